//! Must people activate a playbook's bytes before it acts, and whose signature is as good?

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BadConfig;
use crate::command::Activators;
use crate::domain::restraint::Activation;
use crate::signature::PublicKey;

/// Most signers.
const SIGNERS_MAX: usize = 10;
/// Longest name of a signer, in characters.
const NAME_MAX: usize = 64;

/// `activation:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActivationFile {
    #[default]
    Optional,
    Required,
    SignedBy(BTreeMap<String, String>),
}

impl ActivationFile {
    pub(super) fn checked(self) -> Result<Activators, BadConfig> {
        let written = match self {
            Self::Optional => return Ok(Activators::default()),
            Self::Required => BTreeMap::new(),
            Self::SignedBy(written) if written.is_empty() => {
                let why = "`activation.signed_by` names nobody; write activation: required";
                return Err(BadConfig(why.to_owned()));
            }
            Self::SignedBy(written) => written,
        };
        if written.len() > SIGNERS_MAX {
            return Err(BadConfig(format!(
                "`activation.signed_by` names more than {SIGNERS_MAX} signers"
            )));
        }
        let signers = written.into_iter().map(signer);
        Ok(Activators {
            required: Activation::Required,
            signers: signers.collect::<Result<_, BadConfig>>()?,
        })
    }
}

fn signer((name, key): (String, String)) -> Result<(String, PublicKey), BadConfig> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(plain) {
        return Err(BadConfig(
            "a name under `activation.signed_by` has 1 to 64 letters, digits, `.`, `-` and `_`"
                .to_owned(),
        ));
    }
    let read = key.parse();
    let key = read.map_err(|why| BadConfig(format!("`activation.signed_by.{name}`: {why}")))?;
    Ok((name, key))
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use crate::command::Activators;
    use crate::domain::restraint::Activation;

    fn read(activation: &str) -> Result<Activators, String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             {activation}"
        );
        let file = File::parse("estop.yaml", &text).map_err(|bad| bad.to_string())?;
        file.activation.checked().map_err(|bad| bad.to_string())
    }

    #[test]
    fn activation_is_optional_required_or_by_named_signers() {
        let key = format!("{}=", "A".repeat(43));

        assert_eq!(read("").unwrap().required, Activation::Optional);
        let two = read("activation: required\n").unwrap();
        assert_eq!((two.required, two.signers.len()), (Activation::Required, 0));
        let signed = format!("activation: {{ signed_by: {{ release: \"{key}\" }} }}\n");
        let signed = read(&signed).unwrap();
        assert_eq!(signed.required, Activation::Required);
        assert_eq!(signed.signers["release"].to_string(), key);
        for unfit in [
            "activation: perhaps\n".to_owned(),
            "activation: { signed_by: {} }\n".to_owned(),
            "activation: { signed_by: { release: AAAA } }\n".to_owned(),
            format!("activation: {{ signed_by: {{ \"a b\": \"{key}\" }} }}\n"),
        ] {
            assert!(read(&unfit).is_err(), "{unfit}");
        }
    }
}
