//! A queue of the Simple Queue Service.
//!
//! A message that was received is hidden from others for a time, and comes again if it was not deleted until then.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, QueueAttributeName,
};

use crate::aws::reason;

/// Messages of one request, at most.
const REQUEST: usize = 10;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name, the same when it comes again.
    pub id: String,
    /// What it says.
    pub body: String,
    /// What deletes it.
    receipt: String,
    /// Since when it is hidden.
    hidden: Instant,
}

/// A queue that is read.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
    hidden: Duration,
}

impl Queue {
    /// A queue by its URL; what is received of it is hidden from others for so long.
    pub fn new(client: Client, url: &str, hidden: Duration) -> Self {
        Queue { client, url: url.to_owned(), hidden }
    }

    /// At most ten messages; waits for the first as long as it may, 20 s at most.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn receive(&self, wait: Duration) -> Result<Vec<Message>> {
        let hidden = Instant::now();
        let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(REQUEST as i32);
        let receive = receive.visibility_timeout(self.hidden.as_secs() as i32);
        let receive = receive.wait_time_seconds(wait.as_secs().min(20) as i32);
        let got = receive.send().await.map_err(|error| anyhow!("cannot receive from the queue: {}", reason(&error)))?;
        let messages = got.messages.unwrap_or_default().into_iter().filter_map(|message| {
            let (id, receipt) = (message.message_id?, message.receipt_handle?);
            Some(Message { id, body: message.body.unwrap_or_default(), receipt, hidden })
        });
        Ok(messages.collect())
    }

    /// How many messages are hidden, here or elsewhere, about.
    ///
    /// # Errors
    ///
    /// The queue cannot be asked.
    pub async fn hidden(&self) -> Result<u64> {
        let name = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let asked = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone()).send().await;
        let answer = asked.map_err(|error| anyhow!("cannot ask the queue: {}", reason(&error)))?;
        let number = answer.attributes.unwrap_or_default().remove(&name);
        Ok(number.and_then(|number| number.parse().ok()).unwrap_or(0))
    }

    /// Deletes messages. One that cannot be deleted comes again.
    pub async fn delete(&self, messages: &[Message]) {
        for messages in messages.chunks(REQUEST) {
            let entries = messages.iter().enumerate().filter_map(|(number, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(&message.receipt).build().ok()
            });
            let delete = self.client.delete_message_batch().queue_url(&self.url);
            let told = match delete.set_entries(Some(entries.collect())).send().await {
                Ok(answer) => {
                    answer.failed().first().map(|failed| failed.message().unwrap_or(failed.code()).to_owned())
                }
                Err(error) => Some(reason(&error)),
            };
            if let Some(problem) = told {
                tracing::warn!("messages could not be deleted, and come again without effect: {problem}");
            }
        }
    }

    /// Hides messages for longer, those that would come again soon.
    pub async fn keep_hidden(&self, messages: &mut [&mut Message]) {
        let mut due: Vec<&mut &mut Message> =
            messages.iter_mut().filter(|message| message.hidden.elapsed() > self.hidden / 2).collect();
        let now = Instant::now();
        self.hide(&due.iter().map(|message| &***message).collect::<Vec<_>>(), self.hidden).await;
        for message in &mut due {
            message.hidden = now;
        }
    }

    /// Lets messages come again at once.
    pub async fn release(&self, messages: &[&Message]) {
        self.hide(messages, Duration::ZERO).await;
    }

    async fn hide(&self, messages: &[&Message], time: Duration) {
        for messages in messages.chunks(REQUEST) {
            let entries = messages.iter().enumerate().filter_map(|(number, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(&message.receipt).visibility_timeout(time.as_secs() as i32).build().ok()
            });
            let change = self.client.change_message_visibility_batch().queue_url(&self.url);
            if let Err(error) = change.set_entries(Some(entries.collect())).send().await {
                tracing::warn!(
                    "messages could not be kept hidden, and may come again without effect: {}",
                    reason(&error)
                );
            }
        }
    }
}
