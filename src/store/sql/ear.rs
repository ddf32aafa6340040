//! A connection that only listens to what other services say.

use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Client, Connection};

use crate::store::error::Error;

/// What comes from a server unasked. Nothing moves on the connection but by asking for it.
pub(super) type Said = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

pub(super) fn said<S, T>(mut wire: Connection<S, T>) -> Said
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    stream::poll_fn(move |cx| wire.poll_message(cx)).boxed()
}

/// A connection that listens.
pub(in crate::store) struct Ear {
    pub(super) client: Client,
    pub(super) said: Said,
}

impl Ear {
    pub(super) async fn begin(&mut self, channels: &[&str]) -> Result<(), Error> {
        let words = channels.iter().map(|channel| format!("listen {channel}"));
        let words = words.collect::<Vec<_>>().join("; ");
        let asked = pin!(self.client.batch_execute(&words));
        // What is said before it listens is not for us.
        let said = async { while let Some(Ok(_)) = self.said.next().await {} };
        match select(asked, pin!(said)).await {
            Either::Left((listens, _)) => listens.map_err(|error| Error::Busy(error.to_string())),
            Either::Right(((), _)) => Err(Error::Busy("the connection was cut".to_owned())),
        }
    }

    /// The next word with its channel; none once the connection has ended.
    pub(in crate::store) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let AsyncMessage::Notification(word) = self.said.next().await?.ok()? {
                return Some((word.channel().to_owned(), word.payload().to_owned()));
            }
        }
    }
}
