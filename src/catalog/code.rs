//! The names of what can be wrong with a playbook. They are a contract: never renumbered, never
//! used again for something else, because people silence and search for them.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $means:literal])+ $code:ident = $id:literal $name:literal;)*) => {
        /// What is wrong, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $means])+ $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// `P001`: what is written between the brackets of `error[...]`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$code => $id,)* }
            }

            /// The same in words, for tools that show names: `not-plain`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// One sentence on what it means.
            pub const fn means(self) -> &'static str {
                match self { $(Self::$code => concat!($($means),+).trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// The text is no YAML, or says something else than it shows.
    NotPlain = "P001" "not-plain";
    /// A key stands twice in one map.
    DuplicateKey = "P002" "duplicate-key";
    /// A key that must be there is not.
    Missing = "P003" "missing-key";
    /// A word that nobody knows here.
    UnknownWord = "P004" "unknown-word";
    /// A word that will mean something in a later version.
    NotYet = "P005" "not-supported-yet";
    /// A value of the wrong shape, or out of its bounds.
    WrongValue = "P006" "wrong-value";
    /// A file that cannot be read, or a folder without playbooks.
    Unreadable = "P007" "unreadable";
    /// A file that is not named after its playbook, or two files with one playbook.
    Misnamed = "P008" "misnamed";
    /// A near miss of a known detection type.
    MistypedDetection = "P010" "mistyped-detection";
    /// A detection type that is not on the shipped list.
    UnlistedDetection = "P011" "unlisted-detection";
    /// Parts of a trigger that do not go together, or not with what the playbook acts on.
    MisfitTrigger = "P012" "misfit-trigger";
    /// A clause that is not an expression, or too large to be read.
    NotAnExpression = "P020" "not-an-expression";
    /// A clause that asks for what the facts do not have.
    UnknownName = "P021" "unknown-name";
    /// A clause that mixes kinds of values, or compares a field with a word it never holds.
    WrongKind = "P022" "wrong-kind";
    /// A clause that is the same for every detection.
    Constant = "P023" "constant-clause";
    /// Clauses without a word on what the unknown means.
    UnknownUnsaid = "P030" "unknown-unsaid";
    /// A word on the unknown without clauses.
    PointlessUnknown = "P031" "pointless-unknown";
    /// A step that cannot be done to what the playbook acts on.
    MisfitStep = "P040" "misfit-step";
    /// A step that stands there twice.
    RepeatedStep = "P041" "repeated-step";
    /// A step that has no way back.
    OneWay = "P042" "one-way-step";
    /// An addition that no step reaches.
    UnusedAlso = "P043" "unused-also";
    /// A step that needs people's approval in a playbook that acts without it.
    MustAsk = "P044" "must-ask";
    /// Something that is to end by itself, and that has no way back by itself.
    NoWayBack = "P045" "no-way-back";
    /// A playbook that asks and does not say whom, or says whom and never asks.
    AsksNobody = "P046" "asks-nobody";
    /// Something that is only ever proposed, in a playbook that would act by itself.
    OnlyProposed = "P047" "only-proposed";
    /// A hold in a playbook that contains nothing.
    NothingHeld = "P090" "nothing-held";
    /// A hold that is over before people have answered.
    HoldTooShort = "P091" "hold-too-short";
    /// A target taken from what a sender wrote rather than found by the reader.
    UntrustedTarget = "P050" "untrusted-target";
    /// A blueprint is stopped, and with it any number of agents, without a cap.
    Uncapped = "P060" "uncapped-blueprint";
    /// A playbook that enforces without a guardrail.
    Unguarded = "P061" "unguarded";
    /// A playbook that enforces and that no test proves.
    Untested = "P070" "untested";
    /// A playbook whose tests never show it stay quiet, or never show it act.
    OneSided = "P071" "one-sided-tests";
    /// A playbook that another one always forestalls.
    Forestalled = "P080" "forestalled";
    /// A playbook that does less than another one and is carried out in its place.
    Weakened = "P081" "weakened";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
