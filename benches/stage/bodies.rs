//! Deliveries as Sentinel would send them: 6 KB, every one with its own ids, signed.

use estop::signature::{Secret, sign};
use uuid::Uuid;

/// Size of every body, in bytes.
pub const BODY_BYTES: usize = 6 * 1024;
/// What the fixture says, to be replaced.
const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const TENANT: &str = "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62";
const DETECTION: &str = "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963";
const DETECTION_TYPE: &str = "threatIntelligenceAccount";
const DESCRIPTION: &str = "An agent identity was seen in threat intelligence";

/// Makes bodies for one tenant.
pub struct Bodies {
    template: String,
}

impl Bodies {
    /// Bodies about entities of this tenant, of this detection type.
    pub fn new(tenant: Uuid, detection_type: &str) -> Self {
        let fixture = include_str!("../../tests/fixtures/sentinel_incident.json");
        let compact: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let mut template = compact
            .to_string()
            .replace(TENANT, &tenant.to_string())
            .replace(DETECTION_TYPE, detection_type);
        let missing = BODY_BYTES.saturating_sub(template.len());
        let padded = format!("{DESCRIPTION}{}", ".".repeat(missing));
        template = template.replace(DESCRIPTION, &padded);
        assert_eq!(template.len(), BODY_BYTES, "the fixture has outgrown 6 KB");
        Self { template }
    }

    /// A body about `agent` that nobody has sent before.
    pub fn about(&self, agent: Uuid) -> String {
        self.template
            .replace(AGENT, &agent.to_string())
            .replace(DETECTION, &Uuid::new_v4().to_string())
    }
}

/// A whole signed request, ready for the wire.
pub fn signed(secret: &Secret, body: &str) -> Vec<u8> {
    let id = format!("msg_{}", Uuid::new_v4().simple());
    let at = jiff::Timestamp::now().as_second();
    let signature = sign(secret, &id, at, body.as_bytes());
    let head = format!(
        "POST /v1/ingest/bench HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
