//! The unguessable last part of a status address.

use crate::domain::id::DeliveryId;

use super::mac::hmac_sha256;
use super::secret::Secret;

/// Bytes of the code that become the ticket: 128 bits cannot be guessed.
const TICKET_BYTES: usize = 16;
/// What this use of the key is called, so that no other use can make a ticket.
const PURPOSE: &[u8] = b"estop status ticket v1:";

/// Makes and checks the tickets of `GET /v1/detections/{id}/status/{ticket}`. A ticket belongs to
/// one delivery and is the same each time, so that a repeat gets the same address.
pub struct TicketKey(Secret);

impl TicketKey {
    /// Tickets of this key. It must outlive restarts, or addresses already given away die.
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// 32 lower-case hex digits.
    pub fn ticket(&self, id: DeliveryId) -> String {
        hex::encode(self.code(id))
    }

    /// Whether this text is the ticket of this delivery, in constant time.
    pub fn opens(&self, id: DeliveryId, ticket: &str) -> bool {
        use subtle::ConstantTimeEq as _;

        self.ticket(id).as_bytes().ct_eq(ticket.as_bytes()).into()
    }

    fn code(&self, id: DeliveryId) -> [u8; TICKET_BYTES] {
        let mac = hmac_sha256(&self.0, &[PURPOSE, id.uuid().as_bytes()]);
        let mut code = [0; TICKET_BYTES];
        code.copy_from_slice(&mac.bytes()[..TICKET_BYTES]);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, TicketKey};
    use crate::clock::Clock;
    use crate::domain::id::DeliveryId;
    use crate::domain::moment::Moment;

    #[test]
    fn a_ticket_opens_its_own_delivery_only() {
        let (clock, _hand) = Clock::by_hand(Moment::from_millis(0));
        let tickets = TicketKey::new(Secret::fresh(clock.random()));
        let (mine, other) = (clock.uuid(), clock.uuid());
        let (mine, other) = (DeliveryId::from_uuid(mine), DeliveryId::from_uuid(other));

        let ticket = tickets.ticket(mine);

        assert_eq!(ticket.len(), 32);
        assert!(tickets.opens(mine, &ticket));
        assert!(!tickets.opens(other, &ticket));
        assert!(!tickets.opens(mine, &ticket[..31]));
        assert!(!tickets.opens(mine, &ticket.to_uppercase().replace('0', "1")));
        assert!(!tickets.opens(mine, ""));
    }
}
