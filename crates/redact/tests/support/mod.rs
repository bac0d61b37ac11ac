//! Texts with random secrets in them: templates filled with values from a seed.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::expect_used, reason = "helpers of tests")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// SplitMix64: the same seed gives the same texts everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub fn letters(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    pub fn hex(&mut self, length: usize) -> String {
        self.letters("0123456789abcdef", length)
    }

    pub fn alnum(&mut self, length: usize) -> String {
        // What a generator makes has all three kinds; a value without a digit is drawn again.
        loop {
            let value = self.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length);
            if value.bytes().filter(u8::is_ascii_digit).count() >= 2 || length < 8 {
                return value;
            }
        }
    }

    pub fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }
}

const UPPER_BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn jwt(random: &mut Random) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"RS256","kid":"{}"}}"#, random.alnum(20)));
    let body =
        URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"kubernetes","sub":"{}","exp":1790000000}}"#, random.alnum(12)));
    format!("{header}.{body}.{}", random.alnum(86))
}

fn key_lines(random: &mut Random) -> Vec<String> {
    let mut lines: Vec<String> = (0..3).map(|_| random.alnum(64)).collect();
    lines.push(format!("{}==", random.alnum(22)));
    lines
}

/// Kinds that are a fixed text and random letters: `{a20}` letters and digits, `{h32}` hexadecimal, `{u16}` base 32,
/// `{d10}` digits.
const FORMS: [(&str, &str); 63] = [
    ("pw16", "{a16}"),
    ("fo1", "fo1_{a43}"),
    ("quotepw", "it''s {a10}"),
    ("oddpw", "&f9({a12};x"),
    ("sig", "{a27}%3D"),
    ("b64key", "{a43}="),
    ("b64long", "IQoJb3JpZ2luX2Vj{a200}=="),
    ("b32", "{u32}"),
    ("dingsec", "SEC{h64}"),
    ("feishut", "t-{a40}"),
    ("zhipu", "{h32}.{a16}"),
    ("gitlab", "glpat-{a20}"),
    ("ghp", "ghp_{a36}"),
    ("xoxb", "xoxb-{d12}-{a24}"),
    ("skant", "sk-ant-api03-{a80}"),
    ("skhex", "sk-{h32}"),
    ("skliv", "sk_live_{a24}"),
    ("hvs", "hvs.{a24}"),
    ("twilio", "SK{h32}"),
    ("telegram", "{d10}:AA{a33}"),
    ("pypi", "pypi-AgEIcHlwaS5vcmc{a60}"),
    ("ltai", "LTAI5t{a18}"),
    ("slackhook", "T{u8}/B{u8}/{a24}"),
    ("gz", "H4sIAAAAAAAA{a200}"),
    ("sha512crypt", "$6${a12}${a86}"),
    ("pgmd5", "md5{h32}"),
    ("sct", "SCT123456T{a26}"),
    ("pctpw", "p%40ss{a16}"),
    ("akia", "AKIA{u16}"),
    ("akid", "AKID{a32}"),
    ("az", "{a3}8Q~{a34}"),
    ("code6", "{d6}"),
    ("skproj", "sk-proj-{a48}"),
    ("skor", "sk-or-v1-{h64}"),
    ("gsk", "gsk_{a52}"),
    ("hf", "hf_{a34}"),
    ("bce", "bce-v3/ALTAK-{a21}/{h40}"),
    ("sts", "STS.NT{a24}"),
    ("npm", "npm_{a36}"),
    ("discord", "MT{a24}.{a6}.{a38}"),
    ("shpat", "shpat_{h32}"),
    ("dapi", "dapi{h32}"),
    ("dt", "dt0c01.{u24}.{u64}"),
    ("atatt", "ATATT3xFfGF0{a170}={u8}"),
    ("dp", "dp.pt.{a43}"),
    ("lin", "lin_api_{a40}"),
    ("age", "AGE-SECRET-KEY-1{u58}"),
    ("mailgun", "key-{h32}"),
    ("mailchimp", "{h32}-us12"),
    ("pscale", "pscale_tkn_{a43}"),
    ("dckr", "dckr_pat_{a27}"),
    ("oldvault", "s.{a24}"),
    ("sqa", "sqa_{h40}"),
    ("derkey", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{a400}"),
    ("aklt", "AKLT{a40}"),
    ("moonshot", "sk-{a48}"),
    ("glcbt", "glcbt-64_{a20}"),
    ("atbb", "ATBB{a32}"),
    ("jenkins", "11{h32}"),
    ("slashpw", "p@ss/{a12}"),
    ("apr1", "$apr1${a8}${a22}"),
    ("scram", "SCRAM-SHA-256$4096:{a22}${a43}:{a43}"),
    ("argon", "$argon2id$v=19$m=65536,t=3,p=4${a22}${a43}"),
];

fn form(form: &str, random: &mut Random) -> String {
    let mut parts = form.split('{');
    let mut value = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (kind, rest) = part.split_once('}').expect("a closed brace");
        let length = kind[1..].parse().expect("a length");
        value.push_str(&match &kind[..1] {
            "a" => random.alnum(length),
            "h" => random.hex(length),
            "u" => random.letters(UPPER_BASE32, length),
            "d" => random.letters("123456789", length),
            other => panic!("no letters {other}"),
        });
        value.push_str(rest);
    }
    value
}

/// A value of the kind and the parts of it that must not be left.
pub fn value(kind: &str, random: &mut Random) -> (String, Vec<String>) {
    if let Some((_, known)) = FORMS.iter().find(|(name, _)| *name == kind) {
        let value = form(known, random);
        return (value.clone(), vec![value]);
    }
    if kind.starts_with("pem") || kind == "ecpem" || kind == "pgp" {
        return key_file(kind, random);
    }
    let length = 12 + random.below(12);
    let base64 = |text: String| STANDARD.encode(text);
    let env = |random: &mut Random| format!("DB_PASSWORD={}", random.alnum(length));
    let low = "abcdefghijkmnpqrstuvwxyz23456789";
    let one = match kind {
        "pw" => format!("{}{}", random.alnum(length), random.letters("!#%^*_.-", 1)) + &random.alnum(2),
        "pwa" => random.alnum(length),
        "weak" => format!("{}{}", random.pick(&["summer", "welcome", "qwerty", "hunter"]), 1000 + random.below(9000)),
        "tok" => random.alnum(24 + length),
        "b64" => base64(random.alnum(length)),
        "b64key2" => base64(random.alnum(100)),
        "b64env" => base64(env(random)),
        "b64b64env" => base64(base64(env(random))),
        "hexenv" => env(random).bytes().map(|byte| format!("{byte:02x}")).collect(),
        "low6" => random.letters(low, 6),
        "low16" => random.letters(low, 16),
        "boot" => format!("{}.{}7", random.letters(low, 6), random.letters("ghijkmnpqrstuvwxyz2345", 15)),
        "uuid" => random.uuid(),
        "teams" => {
            format!("{}@{}/IncomingWebhook/{}/{}", random.uuid(), random.uuid(), random.hex(32), random.uuid())
        }
        "jwt" => jwt(random),
        "jwtcut" => jwt(random)[..120].to_owned(),
        "jwthead" => jwt(random).split('.').next().unwrap_or_default().to_owned(),
        "jwtb64" => base64(jwt(random)),
        "jwtwrap" => {
            let token = jwt(random);
            let lines: Vec<String> =
                token.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            return (lines.join("\n  "), lines);
        }
        "ldapsha" => format!("{{SHA}}{}=", random.alnum(27)),
        "mysqlhash" => format!("*{}", random.letters("0123456789ABCDEF", 40)),
        "bytes" => (0..12).map(|_| (97 + random.below(26)).to_string()).collect::<Vec<_>>().join(" "),
        "akiascope" => {
            // The scope is public, and stands elsewhere as well.
            let key = form("AKIA{u16}", random);
            return (format!("{key}/20261122/cn-north-1/s3/aws4_request"), vec![key]);
        }
        _ if kind.starts_with("hex") => random.hex(kind[3..].parse().expect("a length")),
        _ if kind.starts_with("tok") => random.alnum(kind[3..].parse().expect("a length")),
        _ => panic!("no kind {kind}"),
    };
    (one.clone(), vec![one])
}

fn key_file(kind: &str, random: &mut Random) -> (String, Vec<String>) {
    let lines = key_lines(random);
    let (label, blank) = match kind {
        "pgp" => ("PGP PRIVATE KEY BLOCK", "\n"),
        "ecpem" => ("EC PRIVATE KEY", ""),
        _ => ("RSA PRIVATE KEY", ""),
    };
    let all = format!("-----BEGIN {label}-----\n{blank}{}\n-----END {label}-----", lines.join("\n"));
    let text = match kind {
        "pemesc" => all.replace('\n', "\\n") + "\\n",
        "pemhead" => all[..all.len() - 50].to_owned(),
        "pemtail" => all[60..].to_owned(),
        "pemindent" => all.replace('\n', "\n      "),
        _ => all,
    };
    let parts = lines.iter().filter(|line| text.contains(line.as_str())).cloned().collect();
    (text, parts)
}

/// A text, what must go from it and what must stay, in order.
pub struct Filled {
    pub text: String,
    pub secrets: Vec<String>,
    pub keep: Vec<String>,
}

/// Fills `«kind»`. `«same:kind»` repeats the last value of the kind, `«sameb64:kind»` and the like in an encoding.
pub fn fill(template: &str, random: &mut Random) -> Filled {
    let mut filled = Filled { text: String::new(), secrets: Vec::new(), keep: Vec::new() };
    let mut last = String::new();
    for (index, part) in template.split(['«', '»']).enumerate() {
        if index % 2 == 0 {
            filled.text.push_str(part);
            filled.keep.push(part.trim().to_owned());
            continue;
        }
        let (text, secrets) = match part.split_once(':') {
            None => value(part, random),
            Some((how, _)) => {
                let text = match how {
                    "same" => last.clone(),
                    "sameb64" => STANDARD.encode(format!("x{last}y")),
                    "samehex" => last.bytes().map(|byte| format!("{byte:02x}")).collect(),
                    "samepct" => last.bytes().map(|byte| format!("%{byte:02x}")).collect(),
                    _ => panic!("no way {how}"),
                };
                (text.clone(), vec![text])
            }
        };
        filled.text.push_str(&text);
        filled.secrets.extend(secrets);
        last = text;
    }
    filled
}

/// Hidden means that no eight characters of it in a row are left (all of it, if it is shorter).
pub fn hidden(secret: &str, clean: &str) -> bool {
    let characters: Vec<char> = secret.chars().collect();
    let size = characters.len().min(8);
    !characters.windows(size).any(|run| clean.contains(&run.iter().collect::<String>()))
}

/// How many rounds a test makes: few in `cargo test`, as many as `FUZZ_CASES` says in a long run.
pub fn rounds(short: usize) -> usize {
    std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(short)
}

/// A value in every encoding that must be seen through, alone and inside a longer run of base64.
pub fn encodings(secret: &str, before: &str, after: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.bytes();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let json = serde_json::Value::from(secret).to_string();
    vec![
        ("plain", secret.to_owned()),
        ("base64", STANDARD.encode(secret)),
        ("base64 in a longer one", STANDARD.encode(format!("{before}{secret}{after}"))),
        ("base64 for addresses", URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}"))),
        ("json", json.trim_matches('"').to_owned()),
        ("hex", bytes.clone().map(|byte| format!("{byte:02x}")).collect()),
        ("hex in capitals", bytes.clone().map(|byte| format!("{byte:02X}")).collect()),
        (
            "percent",
            bytes.map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect(),
        ),
    ]
}
