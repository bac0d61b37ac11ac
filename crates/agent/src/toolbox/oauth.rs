//! OAuth 2.1 for tool servers behind an address: a token is got, kept, renewed and sent. A person logs in at most once.

use std::path::PathBuf;

use llm::settings::Secret;
use rmcp::transport::auth::{
    AuthError, AuthorizationCallback, AuthorizationManager, AuthorizationMetadata, ClientCredentialsConfig,
    OAuthClientConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::door;
use super::settings::{ToolServer, from_file};
use super::tokens::Tokens;

/// How a token is got. Without a client of its own, this program registers itself where the server allows it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth {
    pub grant: Grant,
    /// Of a client that was registered by hand.
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub client_secret_file: Option<PathBuf>,
    /// Address of a document that describes this client, where the authorization server takes one as the client's id.
    pub client_metadata_url: Option<String>,
    /// Rights that are asked for; default: those that the server names.
    pub scopes: Vec<String>,
    /// Port of `http://127.0.0.1:PORT/callback`, where the client's registration names one; default: any that is free.
    pub redirect_port: Option<u16>,
}

/// In whose name the tools are called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// that of a person who logs in once: `midwatch tool-servers login NAME`
    #[default]
    AuthorizationCode,
    /// that of this program
    ClientCredentials,
}

impl OAuth {
    /// What is wrong, found without asking anybody.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let secret = self.client_secret.is_some() || self.client_secret_file.is_some();
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            found.push("`oauth`: give `client_secret` or `client_secret_file`, not both".to_owned());
        }
        if secret && self.client_id.is_none() {
            found.push("`oauth`: a client secret needs its `client_id`".to_owned());
        }
        if self.grant == Grant::ClientCredentials && !secret {
            found.push("`oauth`: `client_credentials` needs `client_id` and `client_secret_file`".to_owned());
        }
        if self.client_metadata_url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
            found.push("`oauth`: `client_metadata_url` is no https address".to_owned());
        }
        found
    }

    fn secret(&self) -> Result<Option<String>, String> {
        match &self.client_secret_file {
            Some(path) => from_file("client_secret_file", path).map(Some),
            None => Ok(self.client_secret.as_ref().map(|secret| secret.reveal().to_owned())),
        }
    }
}

/// What hands out tokens for this server: those that are kept, renewed when their time is over.
pub async fn ready(server: &ToolServer, oauth: &OAuth, tokens: &Tokens) -> Result<AuthorizationManager, String> {
    let mut manager = manager(server).await?;
    match oauth.grant {
        Grant::ClientCredentials => {
            let metadata = found(&manager, None).await?;
            manager.set_metadata(metadata);
            let config = ClientCredentialsConfig::ClientSecret {
                client_id: oauth.client_id.clone().unwrap_or_default(),
                client_secret: oauth.secret()?.unwrap_or_default(),
                scopes: oauth.scopes.clone(),
                resource: server.url.clone(),
            };
            manager.validate_client_credentials_metadata(&config).map_err(told)?;
            manager.configure_client_credentials(&config).map_err(told)?;
            manager.exchange_client_credentials(&config).await.map_err(told)?;
        }
        Grant::AuthorizationCode => {
            manager.set_credential_store(tokens.clone());
            // nothing is asked before somebody logged in: the server's refusal says where
            if let Some(kept) = tokens.load()?
                && manager.initialize_from_store().await.map_err(told)?
            {
                manager.configure_client(kept.client()).map_err(told)?;
            }
        }
    }
    Ok(manager)
}

/// A login that waits for the person's browser.
pub struct Login {
    manager: AuthorizationManager,
    client: OAuthClientConfig,
    tokens: Tokens,
    /// where the person says yes
    pub url: String,
}

impl Login {
    /// `challenge` is what the server said when it refused; `more` are scopes that were found missing.
    pub async fn begin(
        server: &ToolServer,
        oauth: &OAuth,
        tokens: &Tokens,
        challenge: Option<&str>,
        (redirect, more): (&str, &[String]),
    ) -> Result<Self, String> {
        let mut manager = manager(server).await?;
        manager.set_credential_store(tokens.clone());
        let metadata = found(&manager, challenge).await?;
        let issuer = metadata.issuer.clone();
        let documents = metadata.additional_fields.get("client_id_metadata_document_supported");
        let documents = documents.and_then(serde_json::Value::as_bool) == Some(true);
        manager.set_metadata(metadata);
        let mut scopes = match oauth.scopes.is_empty() {
            true => manager.select_initial_scopes(&[]).await,
            false => oauth.scopes.clone(),
        };
        // a new login does not give up what an earlier one was granted, unless that was by somebody else
        let granted = tokens.load()?.filter(|kept| kept.credentials.issuer == issuer);
        let granted = granted.map(|kept| kept.credentials.granted_scopes).unwrap_or_default();
        for scope in granted.iter().chain(more) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        let asked: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let client = match (&oauth.client_id, &oauth.client_metadata_url) {
            (Some(id), _) => {
                let client = OAuthClientConfig::new(id, redirect);
                match oauth.secret()? {
                    Some(secret) => client.with_client_secret(secret),
                    None => client,
                }
            }
            (None, Some(document)) if documents => OAuthClientConfig::new(document, redirect),
            (None, _) => manager.register_client("Midwatch", redirect, &asked).await.map_err(|error| {
                format!("{error}: register a client by hand and give its `oauth.client_id` (redirect {redirect})")
            })?,
        };
        manager.configure_client(client.clone()).map_err(told)?;
        let url = manager.get_authorization_url(&asked).await.map_err(told)?;
        Ok(Self { manager, client, tokens: tokens.clone(), url })
    }

    /// `back` is the address that the browser was sent to.
    pub async fn end(self, back: &str) -> Result<(), String> {
        if let Some(refused) = refused(back) {
            return Err(refused);
        }
        let back = AuthorizationCallback::from_redirect_url(back).map_err(told)?;
        self.tokens.of_client(&self.client);
        let exchanged =
            self.manager.exchange_code_for_token_with_issuer(&back.code, &back.csrf_token, back.issuer.as_deref());
        exchanged.await.map_err(told)?;
        Ok(())
    }
}

/// The rights that a challenge names.
pub fn scope(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("scope=\"")?;
    rest.split_once('"').map(|(scope, _)| scope.to_owned())
}

/// What the authorization server said instead of giving a code.
fn refused(back: &str) -> Option<String> {
    let url = reqwest::Url::parse(back).ok()?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let error = value("error")?;
    let said = value("error_description").map(|text| format!(": {text}")).unwrap_or_default();
    Some(format!("the authorization server answers {error}{said}"))
}

/// Of private addresses too, for many tool servers live there; never of link-local ones.
async fn manager(server: &ToolServer) -> Result<AuthorizationManager, String> {
    let url = server.url.as_deref().unwrap_or_default();
    let mut manager = AuthorizationManager::new_allowing_private_addresses(url).await.map_err(told)?;
    if server.ca_file.is_some() {
        manager.with_client(door::web(server)?).map_err(told)?;
    }
    Ok(manager)
}

async fn found(manager: &AuthorizationManager, challenge: Option<&str>) -> Result<AuthorizationMetadata, String> {
    Ok(manager.resolve_metadata_from_challenge(challenge).await.map_err(told)?.metadata)
}

fn told(error: AuthError) -> String {
    format!("login: {error}")
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let back = "http://127.0.0.1:1/callback?error=access_denied&error_description=not+today&state=x";
        assert_eq!(refused(back).unwrap(), "the authorization server answers access_denied: not today");
        assert_eq!(refused("http://127.0.0.1:1/callback?code=x&state=y"), None);
    }
}
