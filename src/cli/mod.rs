//! The command line.

pub mod demo;
mod exit;
mod serve;

pub use exit::Exit;
pub use serve::{ServeArgs, serve_command};
