//! Words about what people were told.

use clap::Subcommand;

use super::span;
use crate::domain::id::NoticeId;
use crate::domain::moment::Span;

/// What to do with notices.
#[derive(Debug, Subcommand)]
pub enum NoticesCommand {
    /// The newest notices, and how far each came.
    List {
        /// Only pages that are not over.
        #[arg(long)]
        open: bool,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// One notice: whom it was told to, and what was heard.
    Show {
        /// The notice.
        notice: NoticeId,
    },
    /// You have it in hand: nobody else is paged for it.
    Ack {
        /// The notice.
        notice: NoticeId,
    },
    /// It is over: the alarm is closed wherever it was raised.
    Resolve {
        /// The notice.
        notice: NoticeId,
    },
}

/// What to do with pages.
#[derive(Debug, Subcommand)]
pub enum PageCommand {
    /// Page everyone who may be paged, to see that it arrives.
    Test {
        /// How long to wait until every place has taken it; 0s for not at all.
        #[arg(long, value_parser = span, default_value = "60s", value_name = "TIME")]
        wait: Span,
    },
}
