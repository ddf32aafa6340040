//! Words for whoever connects a sender.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use url::Url;

use super::manner::Manner;
use super::span;
use crate::domain::entity::ObjectId;
use crate::domain::moment::{Moment, Span};

/// What to sign, and how.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The file of the secret as the sender has it, mode 0600; whsec_ and base64 for Standard
    /// Webhooks.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// How it proves itself: standard_webhooks, v1a, svix, github, slack, stripe, teams; `hmac: {…}`
    /// as in the configuration; or without a signature header:NAME, header:NAME=PREFIX, basic:USER,
    /// token.
    #[arg(long, default_value = "standard_webhooks", value_name = "HOW")]
    pub scheme: Manner,
    /// Names the delivery; a fresh one when left away.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// When it is sent, in Unix seconds; now when left away.
    #[arg(long, value_name = "SECONDS")]
    pub timestamp: Option<i64>,
    /// Print options for curl rather than header lines.
    #[arg(long)]
    pub curl: bool,
    /// The body; - for standard input.
    #[arg(value_name = "FILE")]
    pub body: PathBuf,
}

/// What to change after signing, so that it must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tamper {
    /// One byte more in the body.
    Body,
    /// Another time in its header.
    Time,
    /// Another signature.
    Sig,
}

/// The way of a delivery: how it is signed, where it goes, how long it is followed.
#[derive(Debug, Args)]
pub struct WayArgs {
    /// How it proves itself: standard_webhooks, v1a, svix, github, slack, stripe, teams; `hmac: {…}`
    /// as in the configuration; or without a signature header:NAME, header:NAME=PREFIX, basic:USER,
    /// token.
    #[arg(long, default_value = "standard_webhooks", value_name = "HOW")]
    pub scheme: Manner,
    /// Where deliveries are taken; a whole address, or a host to which /v1/ingest/SOURCE is added.
    #[arg(
        long,
        env = "ESTOP_INGEST",
        default_value = "http://127.0.0.1:8787",
        value_name = "URL"
    )]
    pub to: Url,
    /// The source, as it stands in the path; the key file's stem when left away.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Wait so long for what becomes of it.
    #[arg(long, value_parser = span, value_name = "TIME", num_args = 0..=1, default_missing_value = "60s")]
    pub wait: Option<Span>,
}

/// What to send, and where.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The file of the secret as the sender has it, mode 0600; whsec_ and base64 for Standard
    /// Webhooks.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// How it goes.
    #[command(flatten)]
    pub way: WayArgs,
    /// Names the delivery; a fresh one when left away.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Send it so many times in all, under one id.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub repeat: u16,
    /// Change something after signing; then a refusal is what is expected.
    #[arg(long, value_enum)]
    pub tamper: Option<Tamper>,
    /// The body; - for standard input.
    #[arg(value_name = "FILE")]
    pub body: PathBuf,
}

/// What was refused.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file of the shared secret; may stand twice, for the old one and the new one.
    #[arg(long, value_name = "FILE", required = true)]
    pub key: Vec<PathBuf>,
    /// How it proves itself: standard_webhooks, v1a, svix, github, slack, stripe, teams; `hmac: {…}`
    /// as in the configuration; or without a signature header:NAME, header:NAME=PREFIX, basic:USER,
    /// token.
    #[arg(long, default_value = "standard_webhooks", value_name = "HOW")]
    pub scheme: Manner,
    /// The headers as they were received, one `name: value` a line.
    #[arg(long, value_name = "FILE")]
    pub headers: PathBuf,
    /// The body as it was received, byte for byte.
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// When it was received; now when left away.
    #[arg(long, value_name = "TIME", value_parser = super::offline::moment)]
    pub at: Option<Moment>,
}

/// Which detection to make up, about whom, and where to send it.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    /// A detection type, or the name of a sender's own body; `--list` shows both.
    #[arg(value_name = "FIXTURE", required_unless_present = "list")]
    pub fixture: Option<String>,
    /// What can be made up.
    #[arg(long)]
    pub list: bool,
    /// The object id of the agent it is about.
    #[arg(long, value_name = "OBJECT_ID")]
    pub agent: Option<ObjectId>,
    /// The tenant it names, where the body names one.
    #[arg(long, value_name = "TENANT_ID")]
    pub tenant: Option<ObjectId>,
    /// Another value at a place in the body, such as severity=low or entities.0.kind=user.
    #[arg(long = "set", value_name = "PLACE=VALUE")]
    pub set: Vec<String>,
    /// Print the body and send nothing.
    #[arg(long)]
    pub print: bool,
    /// The file of the secret as the sender has it, mode 0600.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["list", "print"])]
    pub key: Option<PathBuf>,
    /// How it goes.
    #[command(flatten)]
    pub way: WayArgs,
}

/// What to listen for, and where.
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Only this source, and what names no source of ours.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Show what was heard so far and end; on a port of its own, end after one delivery, with 0
    /// when it was genuine.
    #[arg(long)]
    pub once: bool,
    /// Hear without a running service, on this address of this machine; 127.0.0.1:8789 when one of
    /// the options below is given without it.
    #[arg(long, value_name = "ADDRESS")]
    pub on: Option<SocketAddr>,
    /// Post whatever is heard on to this address of this machine, with its own bytes and headers.
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<Url>,
    /// How it proves itself, as for send; standard_webhooks when left away.
    #[arg(long, value_name = "HOW")]
    pub scheme: Option<Manner>,
    /// The file of the secret, mode 0600; made where there is none. Without it a secret is drawn
    /// and forgotten at the end.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Print the secret in that file and end.
    #[arg(long, requires = "key")]
    pub print_secret: bool,
}
