//! Tokens, with a fetch in our hands and a clock moved by hand.

mod certificates;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::FutureExt as _;
use secrecy::SecretString;
use url::Url;

use super::minted::private;
use super::{AccessToken, Authority, Claims, Error, TokenSource};
use crate::clock::{Clock, Hand};
use crate::domain::moment::Moment;
use crate::transport::{Failure, Request, Transport};

const START: i64 = 1_790_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

fn clock() -> (Clock, Hand) {
    Clock::by_hand(Moment::from_millis(START))
}

fn token(text: &str, ends: Moment) -> AccessToken {
    AccessToken::new(&SecretString::from(text.to_owned()), ends).unwrap()
}

fn shown(token: &AccessToken) -> String {
    token.authorization().to_str().unwrap().to_owned()
}

/// A source whose n-th fetch (from 1) is what `answer` says, with tokens of one hour.
fn counted(
    clock: &Clock,
    answer: impl Fn(usize) -> Result<(), Error> + Send + Sync + 'static,
) -> (TokenSource, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, now) = (Arc::clone(&asked), clock.clone());
    let source = TokenSource::fetching(clock.clone(), move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let result = answer(number).map(|()| token(&format!("t{number}"), now.now().plus(HOUR)));
        std::future::ready(result).boxed()
    });
    (source, asked)
}

fn down() -> Error {
    Error::try_again("down")
}

#[tokio::test]
async fn g06_a_valid_token_outlives_an_outage_of_the_authority() {
    let (clock, hand) = clock();
    let (source, asked) = counted(
        &clock,
        |number| if number == 1 { Ok(()) } else { Err(down()) },
    );
    source.token().await.unwrap();
    let mut refreshing = Box::pin(source.clone().refresh_loop());
    let _ = futures_util::poll!(&mut refreshing);

    for _ in 0..58 {
        hand.advance(Duration::from_secs(60));
        let _ = futures_util::poll!(&mut refreshing);
        assert_eq!(shown(&source.token().await.unwrap()), "Bearer t1");
    }
    hand.advance(Duration::from_secs(120));
    let after = source.token().await;

    assert!(asked.load(Ordering::SeqCst) > 2, "it kept on asking");
    assert_eq!(after.unwrap_err(), down());
}

#[tokio::test]
async fn a_token_is_refreshed_soon_after_half_of_its_life() {
    let (clock, hand) = clock();
    let (source, asked) = counted(&clock, |_| Ok(()));
    source.token().await.unwrap();
    let mut refreshing = Box::pin(source.clone().refresh_loop());
    let _ = futures_util::poll!(&mut refreshing);

    let mut refreshed_at = None;
    for minute in 1..=60 {
        hand.advance(Duration::from_secs(60));
        let _ = futures_util::poll!(&mut refreshing);
        if asked.load(Ordering::SeqCst) == 2 {
            refreshed_at.get_or_insert(minute);
        }
    }

    let minute: i32 = refreshed_at.unwrap();
    assert!((30..=41).contains(&minute), "refreshed in minute {minute}");
}

#[tokio::test]
async fn a_token_in_its_last_minute_is_not_handed_out() {
    let (clock, hand) = clock();
    let (source, _asked) = counted(&clock, |_| Ok(()));
    source.token().await.unwrap();

    hand.advance(HOUR - Duration::from_secs(61));
    let before = source.token().await.unwrap();
    hand.advance(Duration::from_secs(1));
    let after = source.token().await.unwrap();

    assert_eq!(
        (shown(&before), shown(&after)),
        ("Bearer t1".to_owned(), "Bearer t2".to_owned())
    );
}

#[tokio::test]
async fn many_who_need_the_first_token_share_one_fetch() {
    let (clock, _hand) = clock();
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, now) = (Arc::clone(&asked), clock.clone());
    let source = TokenSource::fetching(clock, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let ends = now.now().plus(HOUR);
        async move {
            tokio::task::yield_now().await;
            Ok(token("shared", ends))
        }
        .boxed()
    });

    let all = futures_util::future::join_all((0..50).map(|_| source.token())).await;

    assert!(all.iter().all(Result::is_ok));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_who_wait_for_a_fetch_that_fails_share_its_failure() {
    let (clock, hand) = clock();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let source = TokenSource::fetching(clock, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending().boxed()
    });
    let mut all = Box::pin(futures_util::future::join_all(
        (0..50).map(|_| source.token()),
    ));
    let _ = futures_util::poll!(&mut all);

    hand.advance(Duration::from_secs(10));
    let all = all.await;

    assert!(
        all.iter()
            .all(|one| matches!(one, Err(Error::TryAgain { .. })))
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_rejected_to_many_at_once_is_replaced_once() {
    let (clock, _hand) = clock();
    let (source, asked) = counted(&clock, |_| Ok(()));
    let rejected = source.token().await.unwrap();

    let fresh = futures_util::future::join_all(
        (0..20).map(|_| source.refresh_with_claims(&rejected, None)),
    )
    .await;

    assert!(
        fresh
            .iter()
            .all(|one| shown(one.as_ref().unwrap()) == "Bearer t2")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_token_says_who_we_are_and_never_shows_itself() {
    let payload = br#"{"tid":"11111111-1111-1111-1111-111111111111",
        "oid":"22222222-2222-2222-2222-222222222222",
        "azp":"33333333-3333-3333-3333-333333333333",
        "roles":["AgentIdentity.Read.All"],"exp":1790003600}"#;
    let text = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload));

    let token = token(&text, Moment::from_millis(START));

    let identity = token.identity().unwrap();
    assert_eq!(
        identity.object_id.to_string(),
        "22222222-2222-2222-2222-222222222222"
    );
    assert_eq!(identity.roles, ["AgentIdentity.Read.All"]);
    assert_eq!(identity.expires_at.as_seconds(), 1_790_003_600);
    assert!(!format!("{token:?} {:?}", token.authorization()).contains("sig"));
}

#[test]
fn e12_a_token_that_does_not_say_who_we_are_names_nobody() {
    let incomplete = URL_SAFE_NO_PAD.encode(br#"{"oid":"x","exp":1}"#);
    for text in [
        "opaque",
        "a.b.c",
        "e30.e30.e30",
        &format!("e30.{incomplete}.e30"),
    ] {
        assert_eq!(
            token(text, Moment::from_millis(START)).identity(),
            None,
            "{text}"
        );
    }
}

#[test]
fn g05_only_a_small_json_object_is_a_challenge() {
    let good = br#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000));

    assert!(Claims::decode(&STANDARD.encode(good)).is_some());
    assert!(Claims::decode(&URL_SAFE_NO_PAD.encode(good)).is_some());
    for bad in [
        String::new(),
        "%%%".to_owned(),
        STANDARD.encode("[1]"),
        STANDARD.encode("not json"),
        STANDARD.encode(long),
    ] {
        assert!(Claims::decode(&bad).is_none(), "{bad:.40}");
    }
}

/// A directory with a secret file, and an authority that answers `status` and `body`.
fn with_secret(
    status: u16,
    body: &'static str,
) -> (tempfile::TempDir, TokenSource, Arc<Mutex<Vec<Request>>>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.secret");
    std::fs::write(&file, "  not-a-real-one\n").unwrap();
    private(&file, 0o600);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let transport = Transport::in_process(move |request| {
        log.lock().unwrap().push(request);
        let answer = http::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        std::future::ready(Ok(answer)).boxed()
    });
    let source = TokenSource::client_secret_file(
        Clock::system(),
        transport,
        authority("http://127.0.0.1:9100"),
        "33333333-3333-3333-3333-333333333333".parse().unwrap(),
        file,
    );
    (folder, source, seen)
}

fn authority(login: &str) -> Authority {
    Authority {
        login: Url::parse(login).unwrap(),
        tenant: "11111111-1111-1111-1111-111111111111".parse().unwrap(),
        scope: "https://graph.microsoft.com/.default".to_owned(),
    }
}

const GRANTED: &str = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"granted"}"#;

#[tokio::test]
async fn a_client_secret_is_sent_to_our_authority_and_nowhere_else() {
    let (_folder, source, seen) = with_secret(200, GRANTED);

    let token = source.token().await.unwrap();

    let seen = seen.lock().unwrap();
    assert_eq!(shown(&token), "Bearer granted");
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].uri().to_string(),
        "http://127.0.0.1:9100/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token"
    );
    let form = String::from_utf8_lossy(seen[0].body()).into_owned();
    assert!(form.contains("client_secret=not-a-real-one&"), "{form}");
}

#[tokio::test]
async fn a_forced_refresh_carries_the_claims_of_the_challenge() {
    let (_folder, source, seen) = with_secret(200, GRANTED);
    let rejected = source.token().await.unwrap();
    let claims = Claims::decode(&STANDARD.encode(r#"{"id_token":{"a":null}}"#));

    let same = source.refresh_with_claims(&rejected, claims).await;

    let form = String::from_utf8_lossy(seen.lock().unwrap()[1].body()).into_owned();
    assert!(form.contains("&claims=%7B%22"), "{form}");
    assert!(
        form.contains("id_token%22%3A%7B%22a%22%3Anull%7D"),
        "{form}"
    );
    // This authority gives the same token for ever, as a platform with a cache of its own does.
    assert!(matches!(same, Err(Error::TryAgain { .. })), "{same:?}");
}

#[tokio::test]
async fn a_token_of_another_tenant_is_never_taken() {
    let payload = br#"{"tid":"99999999-1111-1111-1111-111111111111",
        "oid":"22222222-2222-2222-2222-222222222222",
        "appid":"33333333-3333-3333-3333-333333333333","exp":1790003600}"#;
    let body = format!(
        r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"e30.{}.sig"}}"#,
        URL_SAFE_NO_PAD.encode(payload)
    );
    let (_folder, source, _seen) = with_secret(200, body.leak());

    let error = source.token().await.unwrap_err();

    assert!(matches!(error, Error::Misconfigured { .. }), "{error}");
    assert_eq!(source.identity(), None);
}

#[tokio::test]
async fn a_federated_token_is_read_again_for_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("federated");
    std::fs::write(&file, "first-assertion").unwrap();
    let seen = Arc::new(Mutex::new(Vec::<Request>::new()));
    let log = Arc::clone(&seen);
    let transport = Transport::in_process(move |request| {
        log.lock().unwrap().push(request);
        std::future::ready(Ok(http::Response::new(GRANTED.into()))).boxed()
    });
    let source = TokenSource::workload_identity(
        Clock::system(),
        transport,
        authority("https://login.example"),
        "33333333-3333-3333-3333-333333333333".parse().unwrap(),
        Some(file.clone()),
    );
    let first = source.token().await.unwrap();
    std::fs::write(&file, "second-assertion").unwrap();

    let _ = source.refresh_with_claims(&first, None).await;

    let seen = seen.lock().unwrap();
    let sent = [0, 1].map(|at| String::from_utf8_lossy(seen[at].body()).into_owned());
    assert!(
        sent[0].contains("client_assertion=first-assertion&"),
        "{}",
        sent[0]
    );
    assert!(
        sent[1].contains("client_assertion=second-assertion&"),
        "{}",
        sent[1]
    );
}

/// A source that asks the platform of a virtual machine, and what it hears.
fn on_a_machine(status: u16, body: &'static str) -> (TokenSource, Arc<Mutex<Vec<Request>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let transport = Transport::in_process(move |request| {
        log.lock().unwrap().push(request);
        let mut answer = http::Response::new(Bytes::from(body));
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        std::future::ready(Ok(answer)).boxed()
    });
    let client = "33333333-3333-3333-3333-333333333333".parse().unwrap();
    let authority = authority("https://login.example");
    let source = TokenSource::managed_identity(Clock::system(), transport, authority, Some(client));
    (source, seen)
}

/// Facts 6: the instance metadata service, without the variables of App Service.
#[tokio::test]
async fn a_virtual_machine_asks_its_metadata_service_for_graph_and_its_own_identity() {
    let granted = r#"{"access_token":"e30.e30.sig","client_id":"x","expires_in":"86399",
        "expires_on":"4102444800","ext_expires_in":"86399","not_before":"1790000000",
        "resource":"https://graph.example","token_type":"Bearer"}"#;
    let (source, seen) = on_a_machine(200, granted);

    let token = source.token().await.unwrap();

    assert_eq!(token.expires_at(), Moment::from_millis(4_102_444_800_000));
    let seen = seen.lock().unwrap();
    let asked = Url::parse(&seen[0].uri().to_string()).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method(), http::Method::GET);
    assert_eq!(seen[0].headers()["metadata"], "true");
    assert!(seen[0].body().is_empty());
    assert_eq!(
        asked.as_str().split('?').next(),
        Some("http://169.254.169.254/metadata/identity/oauth2/token")
    );
    let pairs: Vec<_> = asked.query_pairs().into_owned().collect();
    let wanted = [
        ("api-version", "2019-08-01"),
        ("resource", "https://graph.microsoft.com"),
        ("client_id", "33333333-3333-3333-3333-333333333333"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(pairs, wanted);
}

/// Microsoft: 404 and 410 while the service is updated, 429 and 5xx under load; a 400 is no identity.
#[tokio::test]
async fn a_metadata_service_that_is_not_ready_is_asked_again_and_one_without_us_is_not() {
    for status in [404, 410, 429, 500, 503] {
        let (source, seen) = on_a_machine(status, "{}");

        let error = source.token().await.unwrap_err();

        assert!(matches!(error, Error::TryAgain { .. }), "{status}: {error}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
    let (source, _) = on_a_machine(400, r#"{"error":"invalid_request"}"#);

    let error = source.token().await.unwrap_err();

    assert!(matches!(error, Error::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_refused_credential_is_named_by_its_code_and_not_retried() {
    let said = r#"{"error":"invalid_client","error_description":"AADSTS7000215: wrong secret."}"#;
    let (_folder, source, seen) = with_secret(401, said);

    let error = source.token().await.unwrap_err();

    assert_eq!(
        error,
        Error::Refused {
            code: "AADSTS7000215".to_owned()
        }
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_broken_authority_is_asked_again_later() {
    for status in [429, 500, 503] {
        let (_folder, source, seen) = with_secret(status, "<html>");

        let error = source.token().await.unwrap_err();

        assert!(matches!(error, Error::TryAgain { .. }), "{status}: {error}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_authority_out_of_reach_is_asked_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("federated");
    std::fs::write(&file, "assertion").unwrap();
    let transport = Transport::in_process(|_| {
        std::future::ready(Err(Failure::NotSent("no route".to_owned()))).boxed()
    });
    let source = TokenSource::workload_identity(
        Clock::system(),
        transport,
        authority("https://login.example"),
        "33333333-3333-3333-3333-333333333333".parse().unwrap(),
        Some(file),
    );

    let error = source.token().await.unwrap_err();

    assert!(matches!(error, Error::TryAgain { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_others_can_read_is_not_used() {
    let (folder, source, seen) = with_secret(200, GRANTED);
    private(&folder.path().join("client.secret"), 0o644);

    let error = source.token().await.unwrap_err();

    assert!(matches!(error, Error::Misconfigured { .. }), "{error}");
    assert!(seen.lock().unwrap().is_empty());
}
