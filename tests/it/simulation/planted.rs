//! What is wrong on purpose, so that it is seen whether the watchers watch: for every law a fault
//! that breaks it, put in at the seams.

/// Something that is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Senders are thanked before their delivery is on the disk.
    ThanksBeforeDisk,
    /// Writes name a run that nobody knows.
    NobodysWrites,
    /// A write that is done again does the opposite.
    SecondTurnsBack,
    /// Writes to one agent reach another.
    WritesGoAstray,
    /// The service was not told whom to spare.
    NobodyIsProtected,
    /// The service was told larger caps than the watchers.
    NoCaps,
    /// Every write takes longer than a kill may.
    WritesCrawl,
    /// A copy of every kill arrives once more, long after.
    LateKills,
    /// What leaves as a kill opens.
    KillsOpen,
    /// Somebody writes the record anew.
    RecordRewritten,
    /// What the disk said it keeps is gone with the power.
    DiskThatLies,
    /// A person's yes is for another plan than was asked about.
    YesToAnotherPlan,
    /// What a stranger wrote leaves as part of a write.
    WordsBecomeOrders,
    /// Every delivery leaves work behind that never ends.
    WorkPilesUp,
    /// The token that leaves is another tenant's.
    ForeignToken,
    /// What was broken is never made whole.
    NothingHeals,
    /// A key is called what everyone is told.
    SecretIsTold,
    /// Another set of playbooks is in force than lies in the folder.
    HalfASet,
}

impl Planted {
    /// Each, with the law it breaks.
    pub const ALL: [(Self, &str); 18] = [
        (Self::ThanksBeforeDisk, "I1"),
        (Self::NobodysWrites, "I2"),
        (Self::SecondTurnsBack, "I3"),
        (Self::WritesGoAstray, "I4"),
        (Self::NobodyIsProtected, "I4"),
        (Self::NoCaps, "I5"),
        (Self::WritesCrawl, "I6"),
        (Self::LateKills, "I7"),
        (Self::KillsOpen, "I8"),
        (Self::RecordRewritten, "I9"),
        (Self::DiskThatLies, "I9"),
        (Self::YesToAnotherPlan, "I10"),
        (Self::WordsBecomeOrders, "I11"),
        (Self::WorkPilesUp, "I12"),
        (Self::ForeignToken, "I13"),
        (Self::NothingHeals, "I14"),
        (Self::SecretIsTold, "I15"),
        (Self::HalfASet, "I16"),
    ];
}
