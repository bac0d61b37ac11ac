//! What lets a request out that is no read: it travels with the request and is taken once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::canonical::{Digest, Request};
use crate::class;
use crate::permit::Permit;

/// Only this crate can make one. An extension of a request has to be `Clone`, a permit must not be: so clones share it.
#[derive(Debug, Clone)]
pub struct Pass(Arc<Mutex<Option<Kind>>>);

#[derive(Debug)]
enum Kind {
    Try(Digest),
    Send(Permit),
}

impl Pass {
    pub fn dry_run(digest: Digest) -> Self {
        Self(Arc::new(Mutex::new(Some(Kind::Try(digest)))))
    }

    pub fn permit(permit: Permit) -> Self {
        Self(Arc::new(Mutex::new(Some(Kind::Send(permit)))))
    }

    /// Uses it up on the request that is about to leave, read from its bytes.
    pub fn spend(&self, request: &Request) -> Result<(), &'static str> {
        let kind = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if class::never(request).is_some() {
            return Err("this is never done from here, whoever approved it");
        }
        match kind {
            None => Err("its permit was used before"),
            Some(Kind::Try(digest)) if digest != request.digest() => Err("it is not the dry run that was meant"),
            Some(Kind::Try(_)) if !request.is_dry_run() => Err("it is no dry run"),
            Some(Kind::Send(_)) if request.is_dry_run() => Err("it is a dry run and has a permit"),
            Some(Kind::Send(permit)) if *permit.digest() != request.digest() => {
                Err("it is not the request that was permitted")
            }
            Some(Kind::Try(_) | Kind::Send(_)) => Ok(()),
        }
    }
}
