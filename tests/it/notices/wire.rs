//! Over real sockets: redirects lead nowhere, and an answer without end is cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::{IntoResponse as _, Redirect};
use estop::clock::Clock;
use estop::domain::moment::Moment;
use estop::domain::notice::Urgency;
use estop::domain::telling::{DestinationName, Word};
use estop::pager::{Destination, Error, Far, Page, Takes, Way, Webhook};
use estop::signature::Secret;
use estop::transport::{ANSWER_LIMIT, Transport};
use uuid::Uuid;

use super::webhook_secret;

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    #[allow(clippy::disallowed_methods, reason = "the far end of a test")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{at}")
}

fn webhook(url: &str) -> Destination {
    Destination {
        name: DestinationName::new("hook").unwrap(),
        takes: Takes::default(),
        after: None,
        far: Far::Webhook(Webhook {
            url: url.parse().unwrap(),
            secret: Arc::new(Secret::parse(&webhook_secret()).unwrap()),
        }),
    }
}

fn page() -> Page {
    Page {
        key: Uuid::from_u128(7),
        thread: "estop-7".to_owned(),
        word: Word::Raise,
        urgency: Urgency::Page,
        text: "one thing".to_owned(),
        at: Moment::from_millis(0),
        run: None,
        link: None,
        sponsors: Vec::new(),
    }
}

fn way() -> Way {
    Way {
        transport: Transport::over_network().unwrap(),
        clock: Clock::system(),
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_its_target_hears_nothing() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&elsewhere);
    let target = served(Router::new().fallback(move || {
        heard.fetch_add(1, Ordering::SeqCst);
        async { "" }
    }))
    .await;
    let to = target.clone();
    let far = served(Router::new().fallback(move || {
        let to = to.clone();
        async move { Redirect::temporary(&to).into_response() }
    }))
    .await;

    let said = webhook(&far).send(&way(), &page()).await.unwrap_err();

    assert!(matches!(said, Error::Mend { .. }), "{said}");
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let far = served(Router::new().fallback(|| async { vec![b'x'; ANSWER_LIMIT + 1] })).await;

    let said = webhook(&far).send(&way(), &page()).await.unwrap_err();

    assert!(matches!(said, Error::TryAgain { .. }), "{said}");
}

#[tokio::test]
async fn an_error_names_neither_the_address_nor_the_key() {
    let nobody = "http://127.0.0.1:9/hidden-path?to=secret-place";

    let said = webhook(nobody)
        .send(&way(), &page())
        .await
        .unwrap_err()
        .to_string();

    assert!(
        !said.contains("hidden-path") && !said.contains("secret-place"),
        "{said}"
    );
    let shown = format!("{:?}", webhook(nobody));
    assert!(
        !shown.contains("hidden-path") && !shown.contains("whsec"),
        "{shown}"
    );
}
