//! Reading a body: bounded in size, in time, and in how much memory all of them take together.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use super::error::ApiError;

/// For a whole body. Senders give up after 5 to 10 seconds.
const TIME: Duration = Duration::from_secs(10);
/// Bodies above this size share `LARGE_AT_ONCE` places.
const LARGE: usize = 256 << 10;
const LARGE_AT_ONCE: usize = 4;
const WAIT_FOR_PLACE: Duration = Duration::from_millis(1_500);

pub struct Bodies {
    large: Semaphore,
}

impl Bodies {
    pub fn new() -> Self {
        Self { large: Semaphore::new(LARGE_AT_ONCE) }
    }

    /// The whole body, after decompression by the layer above.
    pub async fn read(&self, body: Body, most: usize) -> Result<Bytes, ApiError> {
        match tokio::time::timeout(TIME, self.collect(body, most)).await {
            Ok(read) => read,
            Err(_) => Err(ApiError::SlowBody),
        }
    }

    async fn collect(&self, mut body: Body, most: usize) -> Result<Bytes, ApiError> {
        let mut read = BytesMut::new();
        let mut place = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ApiError::BadBody(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            if read.len() + data.len() > most {
                return Err(ApiError::TooLarge(most >> 20));
            }
            if place.is_none() && read.len() + data.len() > LARGE {
                let free = tokio::time::timeout(WAIT_FOR_PLACE, self.large.acquire()).await;
                place = Some(free.map_err(|_| ApiError::Busy)?.map_err(|_| ApiError::Busy)?);
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }
}
