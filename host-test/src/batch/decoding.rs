//! Decoding by an instance that may be lost.

use anyhow::{Context, Result};

use super::{NO_INSTANCE, length_within};
use crate::plugin::{Decoder, Failure, Outcome, Payload, Plugin, PluginError};

/// Bytes of payloads from which fewer are enough for a call that decodes: the records, many times as much, are then still in the
/// caches when they are copied out of the instance.
const CALL_BYTES: usize = 128 << 10;

/// A decoder that outlives its instance. Nothing is learned, so that there is nothing to keep.
pub struct Decoding {
    plugin: Plugin,
    config: String,
    decoder: Decoder,
}

impl Decoding {
    /// A decoder by the text of a configuration; the empty text means the defaults.
    pub fn new(plugin: &Plugin, config: &str) -> Result<Self, PluginError> {
        Ok(Decoding { plugin: plugin.clone(), config: config.to_owned(), decoder: plugin.decoder(config)? })
    }

    /// Decodes payloads. `each` gets their outcomes in order, those of a large payload in pieces.
    ///
    /// # Errors
    ///
    /// Those of `each`, or no instance can be made in the place of one that was lost.
    pub fn decode(
        &mut self,
        payloads: &[Payload<'_>],
        each: &mut dyn FnMut(&Payload<'_>, Outcome) -> Result<()>,
    ) -> Result<()> {
        let mut rest = payloads;
        while let Some(first) = rest.first() {
            let call = &rest[..length_within(rest.iter().map(|payload| payload.data), CALL_BYTES)];
            let error = match self.decoder.decode(call) {
                Ok(outcomes) if !outcomes.is_empty() => {
                    let (done, after) = rest.split_at(outcomes.len().min(call.len()));
                    rest = after;
                    for (payload, outcome) in done.iter().zip(outcomes) {
                        let more = matches!(&outcome, Outcome::Ok(decoded) if decoded.more);
                        each(payload, outcome)?;
                        if more {
                            self.proceed(payload, each)?;
                        }
                    }
                    continue;
                }
                Ok(_) => PluginError::Trap("the component took nothing of a batch".into()),
                Err(error) => error,
            };
            self.replace(&error)?;
            if call.len() == 1 {
                each(first, given_up(&error))?;
                rest = &rest[1..];
            } else {
                let (half, after) = rest.split_at(call.len() / 2);
                self.decode(half, each)?;
                rest = after;
            }
        }
        Ok(())
    }

    fn proceed(
        &mut self,
        payload: &Payload<'_>,
        each: &mut dyn FnMut(&Payload<'_>, Outcome) -> Result<()>,
    ) -> Result<()> {
        loop {
            match self.decoder.proceed() {
                Ok(decoded) => {
                    let more = decoded.more;
                    each(payload, Outcome::Ok(decoded))?;
                    if !more {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.replace(&error)?;
                    return each(payload, given_up(&error));
                }
            }
        }
    }

    fn replace(&mut self, error: &PluginError) -> Result<()> {
        tracing::warn!("{error}; a new instance takes over");
        self.decoder = self.plugin.decoder(&self.config).context(NO_INSTANCE)?;
        Ok(())
    }
}

fn given_up(error: &PluginError) -> Outcome {
    Outcome::Failed(Failure { layer: "plugin".into(), offset: 0, reason: error.to_string() })
}
