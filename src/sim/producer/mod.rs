//! A producer client: it makes records, batches them, sends them and tries again.

use super::settings::{Place, Setting, Settings, WrittenSettings};

/// What a producer asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProducerTimer {
    /// Make the next records.
    Make,
    /// Look what can be sent or has waited too long.
    Send,
}

/// Refuses what Kafka's producer refuses: an `enable.idempotence` that was asked for and settings that contradict it,
/// and a `delivery.timeout.ms` below `linger.ms` + `request.timeout.ms`.
///
/// # Errors
/// What contradicts, and what would be right.
pub fn check_settings(written: &WrittenSettings) -> Result<(), String> {
    let Ok(settings) = Settings::default().with(written, Place::Producer) else {
        return Ok(());
    };
    let asked = written.contains_key(Setting::EnableIdempotence.name());
    if asked && settings.is_on(Setting::EnableIdempotence) {
        if settings.get(Setting::Acks) != -1 {
            return Err("enable.idempotence = true needs acks = all".to_owned());
        }
        if settings.get(Setting::MaxInFlight) > 5 {
            return Err("enable.idempotence = true needs max.in.flight.requests.per.connection of at most 5".to_owned());
        }
        if settings.get(Setting::Retries) == 0 {
            return Err("enable.idempotence = true needs retries above 0".to_owned());
        }
    }
    let needed = settings.get(Setting::Linger) + settings.get(Setting::RequestTimeout);
    let given = settings.get(Setting::DeliveryTimeout);
    if given < needed && written.contains_key(Setting::DeliveryTimeout.name()) {
        return Err(format!(
            "delivery.timeout.ms = {given} must be at least linger.ms + request.timeout.ms = {needed}"
        ));
    }
    Ok(())
}

/// Whether the producer is idempotent: conflicting settings switch it off without a word, unless it was asked for.
pub fn is_idempotent(settings: &Settings) -> bool {
    settings.is_on(Setting::EnableIdempotence)
        && settings.get(Setting::Acks) == -1
        && settings.get(Setting::MaxInFlight) <= 5
        && settings.get(Setting::Retries) > 0
}
