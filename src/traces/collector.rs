//! The collector: OTLP over HTTP, by our own way to the outside.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor as _};
use tokio::runtime::Handle;
use url::Url;

use crate::transport::Transport;

/// Most spans that wait; those beyond are dropped.
const WAITING_MAX: usize = 8192;
/// How often what waits is sent.
const SENT_EVERY: Duration = Duration::from_secs(5);
/// How long one batch may take.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// Where a collector listens, and how it is reached.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The whole address, as a rule ending in `/v1/traces`.
    pub url: Url,
    /// Headers it wants, such as a key of its owner.
    pub headers: HashMap<String, String>,
    /// The way there.
    pub transport: Transport,
}

/// Spans cannot be sent there.
#[derive(Debug, thiserror::Error)]
#[error("the collector of traces: {0}")]
pub struct BadCollector(String);

impl Collector {
    pub(super) fn batches(self) -> Result<BatchSpanProcessor, BadCollector> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client {
                transport: self.transport,
                runtime: Handle::current(),
            })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(self.url.as_str())
            .with_headers(self.headers)
            .with_timeout(SENT_WITHIN)
            .build()
            .map_err(|why| BadCollector(why.to_string()))?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_MAX)
            .with_scheduled_delay(SENT_EVERY)
            .build();
        let mut batches = BatchSpanProcessor::builder(exporter)
            .with_batch_config(config)
            .build();
        batches.set_resource(&us());
        Ok(batches)
    }
}

fn us() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder_empty()
        .with_service_name("estop")
        .with_attribute(version)
        .build()
}

/// Sends on the service's runtime what the batches' own thread hands it.
#[derive(Debug)]
struct Client {
    transport: Transport,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let transport = self.transport.clone();
        let sending = self
            .runtime
            .spawn(async move { transport.send(request).await });
        Ok(sending.await??)
    }
}
