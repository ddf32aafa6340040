//! The words everyone shares, and the laws they obey.

pub mod moment;
