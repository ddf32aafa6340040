//! What our own token may carry, and what happens when it carries more.

use std::time::Duration;

use estop::app::{Parts, Playbooks, serve};
use estop::config::{Config, Overrides};
use estop::domain::run::RunState;
use estop::sim::Tenant;

use crate::world::{Setting, World, invoice_bot};

/// A world whose tenant grants us this right beside the usual ones.
async fn granting(right: &str) -> World {
    let mut tenant = Tenant::contoso();
    tenant.client.permissions.push(right.to_owned());
    let usual = Setting::default();
    World::with(Setting {
        tenant,
        yaml: format!(
            "{}listen: 127.0.0.1:0\ncontrol: {{ listen: 127.0.0.1:0 }}\n",
            usual.yaml
        ),
        ..usual
    })
    .await
}

#[tokio::test]
async fn e12_a_token_with_a_right_of_the_deny_list_is_refused_at_start() {
    for right in ["Directory.ReadWrite.All", "Application.ReadWrite.All"] {
        let world = granting(right).await;
        world.detect_agent(invoice_bot()).await;

        world.pass(Duration::from_secs(5)).await;

        assert!(world.service.stopping().is_cancelled());
        let World { service, entra, .. } = world;
        let ended = serve(service, |_| {}, std::future::pending()).await;
        let said = ended.unwrap_err().to_string();
        assert!(said.contains(right) && said.contains("`agents`"), "{said}");
        assert!(entra.effects().is_empty(), "and nothing was touched");
    }
}

#[tokio::test]
async fn e12_a_right_granted_while_we_run_does_not_switch_the_stop_off() {
    let world = World::new().await;
    world.pass(Duration::from_secs(1)).await;

    world.entra.set_permissions(
        &[
            Tenant::contoso()
                .client
                .permissions
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            vec!["Directory.ReadWrite.All"],
        ]
        .concat(),
    );
    world.pass(Duration::from_secs(3600)).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(world.service.refused(), None);
}

#[test]
fn a_certificate_that_cannot_be_used_keeps_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("estop.yaml");
    let yaml = "protected: []\ntenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  \
                client_id: 11111111-2222-4333-8444-555555555555\n  \
                credential: { certificate: { key_file: a.key, certificate_file: a.pem } }\n";
    std::fs::write(&path, yaml).unwrap();
    let config = Config::read(&path, &Overrides::default()).unwrap();

    let refused = Parts::real(config, Playbooks::AsWritten).err().unwrap();

    let said = refused.to_string();
    assert!(said.contains("`tenant.credential`"), "{said}");
    assert!(said.contains("a.pem cannot be read"), "{said}");
}
