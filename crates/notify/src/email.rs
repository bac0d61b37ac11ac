//! E-mail over SMTP: text and HTML, one thread an incident.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit, fingerprint};
use crate::error::{Class, SendError};
use crate::http::UNTRUSTED;
use crate::limit::Window;
use crate::message::{Mention, Message};
use crate::render::{Room, html, markup, plain, shrink};
use crate::secret::{self, Secret};

/// Servers take 10 MB and more; nobody reads a mail longer than this.
pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Bytes,
    max: 512 * 1024,
    windows: &[Window::new(60, Duration::from_secs(60))],
    punishment: None,
};
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// E-mail over SMTP.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The mail server's name.
    pub host: String,
    /// Its port; if not set: 587 for `starttls`, 465 for `tls`, 25 for `none`.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub encryption: Encryption,
    /// A file with the certificate (PEM) of your own authority, if the server's is signed by one.
    pub ca_file: Option<PathBuf>,
    /// The account, if the server asks for one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// The sender, `Midwatch <alerts@example.com>` or the address alone.
    pub from: String,
    /// Who gets the mails.
    pub to: Vec<String>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// In the clear first, then TLS, which the server must offer.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: only to a server on this machine.
    None,
}

/// A rendered mail without the headers that depend on the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject, the same for all mails of an incident but for its `Re:`.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Who is called by mail.
    pub cc: Vec<String>,
}

impl Email {
    pub(crate) fn problems(&self) -> Vec<String> {
        let with_account = self.username.is_some();
        let mut found: Vec<String> =
            secret::problem("password", self.password.as_ref(), self.password_file.as_deref(), with_account)
                .into_iter()
                .collect();
        if self.host.trim().is_empty() {
            found.push("host is empty".to_owned());
        }
        if self.to.is_empty() {
            found.push("to is empty".to_owned());
        }
        found.extend(std::iter::once(&self.from).chain(&self.to).filter_map(|a| mailbox(a).err()).map(|e| e.text));
        found.extend(self.in_the_clear());
        found
    }

    fn in_the_clear(&self) -> Option<String> {
        let here = self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let clear = self.encryption == Encryption::None;
        (clear && !here)
            .then(|| "encryption: none is only for a server on this machine; use starttls or tls".to_owned())
    }

    pub(crate) fn target(&self) -> String {
        let all = format!("{} {} {}", self.host, self.from, self.to.join(","));
        fingerprint("email", &all)
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let encode = |m: &Message| Letter {
            subject: markup::subject(m),
            text: plain::text(m),
            html: html::page(m),
            cc: called(&m.mentions),
        };
        // Quoted-printable may triple a byte.
        let size = |letter: &Letter| (letter.text.len() + letter.html.len() + letter.subject.len()) * 3 + 2000;
        let (letter, cuts) = shrink::fit(message, encode, |letter| size(letter) <= room.of(LIMITS.max));
        Rendered { parts: vec![Part { size: size(&letter), body: Body::Mail(letter) }], cuts }
    }

    pub(crate) async fn send(
        &self,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        if let Some(problem) = self.in_the_clear() {
            return Err(SendError::config(problem));
        }
        let Some(Body::Mail(letter)) = rendered.parts.first().map(|part| &part.body) else {
            return Err(SendError::new(Class::Dead, "nothing rendered"));
        };
        let from = mailbox(&self.from)?;
        let id = message_id(&delivery.thread, delivery.revision, from.email.domain());
        let mail = self.mail(letter, delivery, &from, &id, now)?;
        let transport = self.transport()?;
        let sender = from.email;
        let everyone = self.recipients(letter)?;
        match post(&transport, &mail, &sender, everyone.clone()).await {
            Ok(()) => return Ok(Receipt { id }),
            Err(error) if everyone.len() < 2 || error.class != Class::Dead => return Err(error),
            // One refused address must not cost the others their mail.
            Err(_) => {}
        }
        let (mut taken, mut refusals) = (0, Vec::new());
        for one in everyone {
            match post(&transport, &mail, &sender, vec![one.clone()]).await {
                Ok(()) => taken += 1,
                Err(error) => refusals.push((one, error)),
            }
        }
        for (address, error) in &refusals {
            tracing::warn!(%address, %error, "mail refused for one recipient");
        }
        match refusals.pop() {
            Some((_, error)) if taken == 0 => Err(error),
            Some(_) | None => Ok(Receipt { id }),
        }
    }

    fn recipients(&self, letter: &Letter) -> Result<Vec<Address>, SendError> {
        let mut all: Vec<Address> = Vec::new();
        for text in self.to.iter().chain(&letter.cc) {
            let address = mailbox(text)?.email;
            if !all.contains(&address) {
                all.push(address);
            }
        }
        Ok(all)
    }

    fn mail(
        &self,
        letter: &Letter,
        delivery: &Delivery,
        from: &Mailbox,
        id: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, SendError> {
        let stamp =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let later = delivery.revision > 0;
        let subject = if later { format!("Re: {}", letter.subject) } else { letter.subject.clone() };
        let mut builder = lettre::Message::builder()
            .from(from.clone())
            .subject(subject)
            .date(SystemTime::from(now))
            .message_id(Some(id.to_owned()))
            .raw_header(stamp("Auto-Submitted", "auto-generated"))
            .raw_header(stamp("X-Auto-Response-Suppress", "All"));
        if later {
            let first = message_id(&delivery.thread, 0, from.email.domain());
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        for text in &self.to {
            builder = builder.to(mailbox(text)?);
        }
        for text in &letter.cc {
            builder = builder.cc(mailbox(text)?);
        }
        let body = MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone());
        let mail = builder.multipart(body).map_err(|e| SendError::config(format!("e-mail: {e}")))?;
        Ok(mail.formatted())
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let (usual, tls) = match self.encryption {
            Encryption::Starttls => (587, Tls::Required(self.tls()?)),
            Encryption::Tls => (465, Tls::Wrapper(self.tls()?)),
            Encryption::None => (25, Tls::None),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.clone())
            .port(self.port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(TIME_LIMIT));
        if let Some(name) = &self.username {
            let password = secret::required("password", self.password.as_ref(), self.password_file.as_deref())?;
            builder = builder.credentials(Credentials::new(name.clone(), password));
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Result<TlsParameters, SendError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.ca_file {
            let bad = |e: &dyn std::fmt::Display| SendError::config(format!("ca_file {}: {e}", path.display()));
            let pem = std::fs::read(path).map_err(|e| bad(&e))?;
            builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|e| bad(&e))?);
        }
        builder.build_rustls().map_err(|e| SendError::config(format!("TLS: {e}")))
    }
}

async fn post(
    transport: &AsyncSmtpTransport<Tokio1Executor>,
    mail: &[u8],
    from: &Address,
    to: Vec<Address>,
) -> Result<(), SendError> {
    let envelope = Envelope::new(Some(from.clone()), to).map_err(|e| SendError::config(format!("e-mail: {e}")))?;
    match transport.send_raw(&envelope, mail).await {
        Ok(_) => Ok(()),
        Err(error) => Err(classify(&error)),
    }
}

fn classify(error: &lettre::transport::smtp::Error) -> SendError {
    let mut text = format!("SMTP: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    let code = error.status().map(|code| code.to_string());
    let class = match code.as_deref() {
        // Wrong account, or one is needed, or the relay is not for us.
        Some("530" | "534" | "535" | "538") => Class::Config,
        Some("552" | "523") => Class::TooLong,
        Some(code) if code.starts_with('5') => Class::Dead,
        Some(_) => Class::Retry { after: None },
        None if error.is_tls() || error.is_client() || text.contains(UNTRUSTED) => Class::Config,
        None => Class::Retry { after: None },
    };
    SendError::new(class, crate::render::clean::middle_cut(&crate::render::clean::line(&text), 300))
}

/// The id of an incident's mail: the same on each try, so that a second copy can be told.
fn message_id(thread: &str, revision: u32, domain: &str) -> String {
    let incident = fingerprint("inc", thread).replace(':', "-");
    format!("<{incident}-r{revision}@{domain}>")
}

fn mailbox(text: &str) -> Result<Mailbox, SendError> {
    text.trim().parse().map_err(|e| SendError::config(format!("{text:?} is no e-mail address: {e}")))
}

fn called(mentions: &[Mention]) -> Vec<String> {
    let one = |mention: &Mention| match mention {
        Mention::Email(address) => mailbox(address).ok().map(|m| m.email.to_string()),
        Mention::Everyone | Mention::User(_) | Mention::Mobile(_) => None,
    };
    mentions.iter().filter_map(one).collect()
}
