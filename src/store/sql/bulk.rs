//! Many rows at once, by texts that are made from the names of a schema: for a store that moves.

use std::pin::pin;

use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::live::Live;
use super::value::Value;
use crate::store::error::Error;

/// What the columns of a table hold, in order.
pub(in crate::store) type Kinds = Vec<Type>;

impl Live {
    /// What the columns of this statement's rows hold.
    pub(in crate::store) async fn kinds(&mut self, text: &str) -> Result<Kinds, Error> {
        let learning = async |client: &Client| {
            let statement = client.prepare(text).await?;
            let columns = statement.columns().iter();
            Ok(columns.map(|column| column.type_().clone()).collect())
        };
        self.at_length(learning).await
    }

    /// Puts rows into a table by a `copy ... from stdin binary`.
    pub(in crate::store) async fn pour(
        &mut self,
        text: &str,
        kinds: &[Type],
        rows: &[Vec<Value>],
    ) -> Result<(), Error> {
        let pouring = async |client: &Client| {
            let sink = client.copy_in(text).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, kinds));
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await.map(drop)
        };
        self.at_length(pouring).await
    }

    /// The rows of a statement that is asked once.
    pub(in crate::store) async fn look(&mut self, text: &str) -> Result<Vec<Vec<Value>>, Error> {
        let looking = async |client: &Client| {
            let rows = client.query(text, &[]).await?;
            let values = |row: &tokio_postgres::Row| {
                let values = (0..row.len()).map(|place| row.try_get(place));
                values.collect::<Result<Vec<_>, _>>()
            };
            rows.iter().map(values).collect()
        };
        self.at_length(looking).await
    }
}
