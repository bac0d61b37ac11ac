//! Reads bodies within their limit: whole ones, and streams line by line.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body::{Body, Frame};
use http_body_util::{BodyDataStream, BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use std::{pin::Pin, sync::Arc};
use tokio::time::Instant;
use tower::BoxError;

use crate::{
    error::Fault,
    pace::Limits,
    request::{Allowed, Content},
    secrets,
    traffic::Traffic,
};

/// What callers of the gate get.
pub type Answer = UnsyncBoxBody<Bytes, BoxError>;

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

pub fn whole(bytes: Bytes) -> Answer {
    Full::new(bytes).map_err(BoxError::from).boxed_unsync()
}

fn chunks<B>(body: B) -> Chunks
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    BodyDataStream::new(body).map_err(Into::into).boxed()
}

/// The whole body, unless it is larger than the limit.
pub async fn collect<B>(body: B, allowed: &Allowed, limit: usize, traffic: &Traffic) -> Result<Bytes, Fault>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let too_large = || Fault::TooLarge { path: allowed.path.clone(), limit };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut chunks = chunks(body);
    let mut read = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| Fault::Broken { path: allowed.path.clone(), source })?;
        traffic.read(chunk.len());
        if read.len() + chunk.len() > limit {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

struct Lines {
    chunks: Chunks,
    /// What came after the last line break.
    rest: BytesMut,
    allowed: Allowed,
    limits: Limits,
    traffic: Arc<Traffic>,
    until: Instant,
    over: bool,
}

/// A stream of whole lines, each within the limit, until the time for streams is over.
pub fn lines<B>(body: B, allowed: Allowed, limits: &Limits, traffic: Arc<Traffic>) -> Answer
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let lines = Lines {
        chunks: chunks(body),
        rest: BytesMut::new(),
        allowed,
        limits: limits.clone(),
        traffic,
        until: Instant::now() + limits.stream,
        over: false,
    };
    let stream = futures::stream::unfold(lines, |mut lines| async move {
        if lines.over {
            return None;
        }
        let next = lines.next().await;
        lines.over = !matches!(next, Ok(Some(_)));
        let item = next.transpose()?;
        Some((item.map(Frame::data).map_err(BoxError::from), lines))
    });
    StreamBody::new(stream).boxed_unsync()
}

impl Lines {
    /// The lines that the next chunks complete.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let Ok(chunk) = tokio::time::timeout_at(self.until, self.chunks.next()).await else {
                return Err(Fault::StreamOver { path: self.allowed.path.clone(), limit: self.limits.stream });
            };
            let Some(chunk) = chunk else {
                let last = std::mem::take(&mut self.rest);
                return if last.is_empty() { Ok(None) } else { self.clean(&last).map(Some) };
            };
            let chunk = chunk.map_err(|source| Fault::Broken { path: self.allowed.path.clone(), source })?;
            self.traffic.read(chunk.len());
            let end = memchr::memrchr(b'\n', &chunk);
            self.rest.extend_from_slice(&chunk);
            let open = chunk.len() - end.map_or(0, |end| end + 1);
            let complete = end.map(|_| self.rest.split_to(self.rest.len() - open));
            if self.rest.len() > self.limits.body {
                return Err(Fault::TooLarge { path: self.allowed.path.clone(), limit: self.limits.body });
            }
            if let Some(complete) = complete {
                return self.clean(&complete).map(Some);
            }
        }
    }

    fn clean(&self, lines: &[u8]) -> Result<Bytes, Fault> {
        if self.allowed.content != Content::Secrets {
            return Ok(Bytes::copy_from_slice(lines));
        }
        let mut clean = Vec::with_capacity(lines.len());
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let event = secrets::blank_answer(line)
                .map_err(|why| Fault::Unreadable { path: self.allowed.path.clone(), why })?;
            clean.extend_from_slice(&event);
            clean.push(b'\n');
        }
        Ok(clean.into())
    }
}
