//! What rdkafka's administration client does, awaited without an executor of its own.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

type Outcome = Result<String, Box<dyn Error>>;

pub struct Administrator(AdminClient<DefaultClientContext>);

impl Administrator {
    pub fn new(config: ClientConfig) -> Self {
        Self(config.create().expect("an administration client can be made"))
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) -> Outcome {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        accepted(wait(self.0.create_topics([&new], &AdminOptions::new()))?)
    }

    pub fn delete_topic(&self, topic: &str) -> Outcome {
        accepted(wait(self.0.delete_topics(&[topic], &AdminOptions::new()))?)
    }

    pub fn delete_group(&self, group: &str) -> Outcome {
        accepted(wait(self.0.delete_groups(&[group], &AdminOptions::new()))?)
    }
}

fn accepted<E: std::fmt::Debug>(results: Vec<Result<String, E>>) -> Outcome {
    match results.into_iter().find_map(Result::err) {
        None => Ok(String::new()),
        Some(error) => Err(format!("{error:?}").into()),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
