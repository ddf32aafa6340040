//! Everything that can be made to go wrong.

use std::time::Duration;

use futures_util::poll;

use super::{DISABLE, ENABLE, World, agent, blueprint};
use crate::domain::moment::Span;
use crate::sim::{Ending, Fault, Garbage, INVOICE_BOT, Lag, On, RetryAfter, Switch, What};
use crate::transport::Failure;

const SECOND: Duration = Duration::from_secs(1);

fn patch() -> On {
    On::request("PATCH", "agentIdentity$")
}

async fn disable(world: &World) -> Result<u16, Failure> {
    world
        .try_call(("PATCH", &agent(INVOICE_BOT)), DISABLE)
        .await
        .map(|it| it.status)
}

async fn reads_enabled(world: &World) -> bool {
    let path = format!("{}?$select=id,accountEnabled", agent(INVOICE_BOT));
    world.get(&path).await.json["accountEnabled"]
        .as_bool()
        .unwrap()
}

fn is_enabled(world: &World) -> bool {
    world.entra.agent(INVOICE_BOT).unwrap().account_enabled
}

#[tokio::test]
async fn a_lost_reply_has_had_its_effect() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::LoseReplyAfterEffect));

    let lost = disable(&world).await;
    let again = disable(&world).await;

    assert!(matches!(lost, Err(Failure::Lost(_))), "{lost:?}");
    assert_eq!(again, Ok(204));
    assert_eq!(world.entra.effects().len(), 1);
    let journal = world.entra.journal();
    assert_eq!(
        (journal[0].ending, journal[0].status),
        (Ending::AnswerLost, Some(204))
    );
}

#[tokio::test]
async fn a_lost_request_and_a_refused_connection_have_no_effect() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::LoseRequest));
    world
        .entra
        .push_fault(Fault::new(patch().after(1), What::RefuseConnection));

    let lost = disable(&world).await;
    let refused = disable(&world).await;

    assert!(matches!(lost, Err(Failure::Lost(_))), "{lost:?}");
    assert!(matches!(refused, Err(Failure::NotSent(_))), "{refused:?}");
    assert!(is_enabled(&world));
    let endings: Vec<Ending> = world.entra.journal().iter().map(|it| it.ending).collect();
    assert_eq!(endings, [Ending::RequestLost, Ending::NotSent]);
}

#[tokio::test]
async fn a_held_reply_has_had_its_effect_and_waits() {
    let world = World::contoso();
    world.entra.push_fault(Fault::new(patch(), What::HoldReply));
    let path = agent(INVOICE_BOT);
    let call = world.try_call(("PATCH", &path), DISABLE);
    tokio::pin!(call);

    let early = poll!(&mut call).is_ready();
    world.entra.until_held(1).await;
    let meanwhile = is_enabled(&world);
    let released = world.entra.release();

    assert!(!early && !meanwhile);
    assert_eq!(released, 1);
    assert_eq!(call.await.unwrap().status, 204);
    assert_eq!(world.entra.journal()[0].ending, Ending::Answered);
}

#[tokio::test]
async fn a_held_request_acts_on_release_though_nobody_waits_for_it_any_more() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::HoldRequest));
    {
        let path = agent(INVOICE_BOT);
        let call = world.try_call(("PATCH", &path), DISABLE);
        tokio::pin!(call);
        assert!(poll!(&mut call).is_pending());
    }

    let before = is_enabled(&world);
    world.entra.release();

    assert!(before && !is_enabled(&world));
    assert_eq!(world.entra.held(), 0);
    assert_eq!(world.entra.journal()[0].ending, Ending::AnswerLost);
}

#[tokio::test]
async fn a_delayed_answer_comes_when_the_clock_has_moved() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::Delay(Span(SECOND))));
    let path = agent(INVOICE_BOT);
    let call = world.try_call(("PATCH", &path), DISABLE);
    tokio::pin!(call);

    let early = poll!(&mut call).is_ready();
    let effect = !is_enabled(&world);
    world.hand.advance(SECOND);

    assert!(!early && effect);
    assert_eq!(call.await.unwrap().status, 204);
}

#[tokio::test]
async fn a_throttle_says_when_to_retry_in_any_form_or_not_at_all() {
    let world = World::contoso();
    let date = RetryAfter::DateIn(Span(SECOND));
    for (retry_after, header) in [
        (None, None),
        (Some(RetryAfter::Seconds(7)), Some("7")),
        (Some(date), Some("Sun, 20 Sep 2026 14:02:08 GMT")),
        (Some(RetryAfter::Text("-1".to_owned())), Some("-1")),
    ] {
        world
            .entra
            .push_fault(Fault::new(patch(), What::Throttle { retry_after }));

        let seen = world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;

        assert_eq!(seen.refusal(), (429, "TooManyRequests"));
        assert_eq!(seen.header("retry-after"), header);
    }
    assert!(is_enabled(&world));
}

#[tokio::test]
async fn any_status_can_be_had_without_effect() {
    let world = World::contoso();
    let what = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    world.entra.push_fault(Fault::new(patch().times(2), what));

    let statuses = [
        disable(&world).await,
        disable(&world).await,
        disable(&world).await,
    ];

    assert_eq!(statuses, [Ok(503), Ok(503), Ok(204)]);
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn a_204_may_have_done_nothing() {
    let world = World::contoso();
    world.entra.push_fault(Fault::new(patch(), What::NoEffect));

    let done = disable(&world).await;

    assert_eq!(done, Ok(204));
    assert!(is_enabled(&world) && reads_enabled(&world).await);
    assert_eq!(disable(&world).await, Ok(204));
    assert!(!is_enabled(&world));
}

#[tokio::test]
async fn a_refusal_may_have_had_its_effect() {
    let world = World::contoso();
    let what = What::RefuseAfterEffect {
        status: 403,
        code: "Authorization_RequestDenied".to_owned(),
    };
    world.entra.push_fault(Fault::new(patch(), what));

    let refused = disable(&world).await;

    assert_eq!(refused, Ok(403));
    assert!(!is_enabled(&world) && !reads_enabled(&world).await);
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn reads_lag_behind_a_write_for_so_many_reads() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::StaleReads(Lag::Reads(2))));

    disable(&world).await.unwrap();
    let reads = [
        reads_enabled(&world).await,
        reads_enabled(&world).await,
        reads_enabled(&world).await,
    ];

    assert!(!is_enabled(&world));
    assert_eq!(reads, [true, true, false]);
}

#[tokio::test]
async fn reads_lag_behind_a_write_for_so_long() {
    let world = World::contoso();
    world.entra.push_fault(Fault::new(
        patch(),
        What::StaleReads(Lag::For(Span(SECOND))),
    ));

    disable(&world).await.unwrap();
    let at_once = reads_enabled(&world).await;
    world.hand.advance(SECOND);
    let later = reads_enabled(&world).await;

    assert_eq!((at_once, later), (true, false));
}

#[tokio::test]
async fn replicas_may_disagree() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::StaleReads(Lag::Flapping(4))));

    disable(&world).await.unwrap();
    let mut reads = Vec::new();
    for _ in 0..6 {
        reads.push(reads_enabled(&world).await);
    }

    assert_eq!(reads, [false, true, false, true, false, false]);
}

#[tokio::test]
async fn a_claims_challenge_is_a_401_that_says_what_it_wants() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch(), What::ClaimsChallenge));

    let challenged = world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;

    assert_eq!(challenged.refusal(), (401, "InvalidAuthenticationToken"));
    let header = challenged.header("www-authenticate").unwrap();
    assert!(
        header.contains("error=\"insufficient_claims\", claims=\""),
        "{header}"
    );
    assert_eq!(disable(&world).await, Ok(204));
}

#[tokio::test]
async fn an_answer_may_be_damaged() {
    let world = World::contoso();
    let path = agent(INVOICE_BOT);
    let whole = world.get(&path).await.answer.into_body();
    for (garbage, body) in [
        (Garbage::Truncated, whole.slice(..whole.len() / 2)),
        (Garbage::Empty, bytes::Bytes::new()),
        (
            Garbage::Body("[1]".to_owned()),
            bytes::Bytes::from_static(b"[1]"),
        ),
        (Garbage::Spaces(3), bytes::Bytes::from_static(b"   ")),
    ] {
        world
            .entra
            .push_fault(Fault::new(On::request("GET", ""), What::Garbage(garbage)));

        let seen = world.get(&path).await;

        assert_eq!((seen.status, seen.answer.body()), (200, &body));
    }
    world
        .entra
        .push_fault(Fault::new(On::any(), What::Garbage(Garbage::Html)));
    assert_eq!(
        world.get(&path).await.header("content-type"),
        Some("text/html")
    );
}

#[tokio::test]
async fn faults_strike_only_what_they_are_for() {
    let world = World::contoso();
    let on = On::request("PATCH", "agentIdentity$")
        .with_body("true")
        .after(1)
        .times(1);
    world.entra.push_fault(Fault::new(on, What::LoseRequest));
    let path = agent(INVOICE_BOT);

    let disabled = disable(&world).await;
    let first = world.try_call(("PATCH", &path), ENABLE).await;
    let second = world.try_call(("PATCH", &path), ENABLE).await;
    let third = world.try_call(("PATCH", &path), ENABLE).await;

    assert_eq!(disabled, Ok(204));
    assert_eq!(
        [first.is_ok(), second.is_ok(), third.is_ok()],
        [true, false, true]
    );
}

#[tokio::test]
async fn a_fault_for_the_agent_cast_spares_the_blueprint_cast() {
    let world = World::contoso();
    let principal = *world.entra.tenant().blueprints.keys().next().unwrap();
    world
        .entra
        .push_fault(Fault::new(patch().always(), What::LoseRequest));

    let agent = disable(&world).await;
    let blueprint = world
        .try_call(("PATCH", &blueprint(principal)), DISABLE)
        .await;

    assert!(agent.is_err());
    assert_eq!(blueprint.unwrap().status, 204);
}

#[tokio::test]
async fn a_standing_fault_lasts_until_it_is_cleared() {
    let world = World::contoso();
    world
        .entra
        .push_fault(Fault::new(patch().always(), What::LoseRequest));

    for _ in 0..5 {
        assert!(disable(&world).await.is_err());
    }
    world.entra.clear_faults();

    assert_eq!(disable(&world).await, Ok(204));
}

#[tokio::test]
async fn somebody_may_write_just_before_and_just_after_us() {
    let world = World::contoso();
    let enable = |tenant: &mut crate::sim::Tenant| tenant.switch(INVOICE_BOT, Switch::Enabled);
    let turn_off = |tenant: &mut crate::sim::Tenant| tenant.switch(INVOICE_BOT, Switch::Disabled);
    world.entra.foreign_write_before(patch(), turn_off);
    world.entra.foreign_write_after(patch().after(1), enable);

    let first = disable(&world).await;
    let ours_after_first = world.entra.journal()[0].effects;
    let second = disable(&world).await;

    assert_eq!((first, second), (Ok(204), Ok(204)));
    assert_eq!(ours_after_first, 0);
    let effects = world.entra.effects();
    assert!(effects.iter().all(|it| it.by == "foreign writer"));
    assert_eq!(effects.len(), 2);
    assert!(is_enabled(&world));
}
