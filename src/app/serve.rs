//! `estop serve`: open the doors, say where, and close them in order.

use std::time::Duration;

use tokio::net::TcpListener;
use url::Url;

use super::{Service, StartError};
use crate::listener::{self, Socket, Tls};

/// Longest wait for work in flight when asked to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Where a service can be reached, once it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Where deliveries are taken.
    pub deliveries: Url,
    /// Where the control API listens.
    pub control: Url,
}

/// Serves until `end` comes or our own token turns out to carry rights we must not have, then
/// drains. `announce` is called once both doors are open.
pub async fn serve(
    service: Service,
    announce: impl FnOnce(&Announced),
    end: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let tls = tls(&service)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (deliveries, at) = bind(service.config.listen, scheme).await?;
    let (control, control_at) = bind(service.config.control_listen, "http").await?;
    let public = service
        .config
        .public_url
        .clone()
        .unwrap_or_else(|| at.clone());
    let door = service.ingress(public)?;
    let desk = service.control();
    announce(&Announced {
        deliveries: at,
        control: control_at,
    });

    let stop = service.stopping();
    let limits = service.config.limits;
    let taking = listener::serve(
        Socket::new(deliveries, tls.clone()),
        door,
        limits,
        service.clock.clone(),
        stop.clone(),
    );
    let steering = listener::serve(control, desk, limits, service.clock.clone(), stop.clone());
    let ending = async {
        if stop.run_until_cancelled(end).await.is_some() {
            tracing::info!("asked to stop: finishing what is in flight");
        }
        stop.cancel();
    };
    let renewing = async {
        if let Some(tls) = tls {
            let looking = tls.reload_loop(service.clock.clone());
            stop.run_until_cancelled(looking).await;
        }
    };
    tokio::join!(taking, steering, ending, renewing);
    let refused = service.refused().map(str::to_owned);
    service.stop(DRAIN).await;
    refused.map_or(Ok(()), |why| Err(StartError::config(why)))
}

/// The certificate of the door for senders, where one is configured.
fn tls(service: &Service) -> Result<Option<Tls>, StartError> {
    let files = service.config.tls.as_ref();
    let opened = files.map(|files| Tls::open(&files.certificate_file, &files.key_file));
    opened
        .transpose()
        .map_err(|unusable| StartError::config(unusable.to_string()))
}

async fn bind(
    address: std::net::SocketAddr,
    scheme: &str,
) -> Result<(TcpListener, Url), StartError> {
    let unusable = |why: String| StartError::config(format!("cannot listen on {address}: {why}"));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let bound = listener
        .local_addr()
        .map_err(|error| unusable(error.to_string()))?;
    let url = format!("{scheme}://{bound}/")
        .parse()
        .map_err(|_| unusable("no address".to_owned()))?;
    Ok((listener, url))
}
