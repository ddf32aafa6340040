//! Let a playbook's bytes act: two leads who read the same bytes, or one signature. And let one act
//! again that cried wolf.

use std::collections::BTreeMap;

use super::error::{Error, Sort};
use super::{Answer, Desk, may_lead, may_respond, reasoned};
use crate::domain::order::{Operator, OrderKind};
use crate::domain::playbook::PlaybookName;
use crate::domain::restraint::{Activation, ChangeName, Restraints, statement};
use crate::signature::PublicKey;
use crate::store::{Asked, Saw, Taking};

/// Characters of a digest.
const DIGEST_LETTERS: usize = 64;

/// What lets a playbook's bytes act here.
#[derive(Clone, Debug, Default)]
pub struct Activators {
    /// Must anything?
    pub required: Activation,
    /// Whose signature stands for two people.
    pub signers: BTreeMap<String, PublicKey>,
}

/// A word that exactly these bytes may act.
#[derive(Clone, Debug)]
pub struct ToActivate {
    /// Which playbook.
    pub playbook: PlaybookName,
    /// SHA-256 of its file, in hex.
    pub digest: String,
    /// By which change.
    pub change: ChangeName,
    /// Where one signature stands for two people.
    pub signed: Option<Signed>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// A signature over the statement of an activation.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Whose, by the configured name.
    pub signer: String,
    /// Ed25519, in base64.
    pub signature: String,
}

impl Desk {
    /// Takes one of the words that let a playbook's bytes act.
    pub async fn activate(&self, operator: &Operator, word: ToActivate) -> Answer<Taking> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if word.digest.len() != DIGEST_LETTERS || !word.digest.bytes().all(hex) {
            return Err(Error::amend(
                "digest-unfit",
                "a digest is 64 lower-case hex digits".to_owned(),
                "Let estop playbook activate FILE compute it",
            ));
        }
        let signer = match &word.signed {
            None => may_lead(operator).map(|()| None)?,
            Some(signed) => {
                may_respond(operator)?;
                self.holds(&word, signed)?;
                Some(signed.signer.clone())
            }
        };
        let fallback = format!("activated by {}", word.change);
        let reason = reasoned(word.reason.as_deref().unwrap_or(&fallback))?;
        let kind = OrderKind::Activate {
            playbook: word.playbook,
            digest: word.digest,
            change: word.change,
            signer,
        };
        self.restrain(operator, kind, (reason, word.idempotency_key))
            .await
    }

    /// Lets a playbook that cried wolf act again.
    pub async fn lift(
        &self,
        operator: &Operator,
        playbook: PlaybookName,
        (reason, idempotency_key): (String, String),
    ) -> Answer<Taking> {
        may_lead(operator)?;
        let reason = reasoned(&reason)?;
        let kind = OrderKind::Lift { playbook };
        self.restrain(operator, kind, (reason, idempotency_key))
            .await
    }

    /// Everything that holds playbooks back now.
    pub async fn restraints(&self) -> Answer<Restraints> {
        let mut restraints = self.tools.store.restraints(self.tools.clock.now()).await?;
        restraints.activation = self.tools.activators.required;
        Ok(restraints)
    }

    fn holds(&self, word: &ToActivate, signed: &Signed) -> Answer<()> {
        let statement = statement(&word.playbook, &word.digest, &word.change);
        let key = self.tools.activators.signers.get(&signed.signer);
        match key {
            Some(key) if key.holds(statement.as_bytes(), &signed.signature) => Ok(()),
            Some(_) | None => Err(Error::new(
                Sort::NotAllowed,
                "signature-refused",
                format!(
                    "{} is no configured signer, or did not sign exactly this",
                    signed.signer
                ),
                "Sign what estop playbook statement FILE --change CHANGE prints; its key stands \
                 under activation.signed_by",
            )),
        }
    }

    pub(super) async fn restrain(
        &self,
        operator: &Operator,
        kind: OrderKind,
        (reason, idempotency_key): (String, String),
    ) -> Answer<Taking> {
        if let Some(taking) = self.repeated(operator, &kind, &idempotency_key).await? {
            return Ok(taking);
        }
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key: Some(idempotency_key),
            saw: Saw::default(),
        };
        Ok(self.tools.store.take_order(asked).await?)
    }
}
