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

/// A value of the kind and the parts of it that must not be left.
pub fn value(kind: &str, random: &mut Random) -> (String, Vec<String>) {
    let length = 12 + random.below(12);
    let one = match kind {
        "pw" => format!("{}{}", random.alnum(length), random.letters("!#%^*_.-", 1)) + &random.alnum(2),
        "pwa" => random.alnum(length),
        "pw16" => random.alnum(16),
        "weak" => format!("{}{}", random.pick(&["summer", "welcome", "qwerty", "hunter"]), 1000 + random.below(9000)),
        "word" => random.pick(&["zh-CN1x", "dark-mode", "en-us-9"]).to_owned(),
        "tok" => random.alnum(24 + length),
        "sig" => format!("{}%3D", random.alnum(27)),
        "b64" => {
            let plain = random.alnum(length);
            STANDARD.encode(plain)
        }
        "b64key" => format!("{}=", random.alnum(43)),
        "b64long" => format!("IQoJb3JpZ2luX2Vj{}==", random.alnum(200)),
        "b32" => random.letters(UPPER_BASE32, 32),
        "dingsec" => format!("SEC{}", random.hex(64)),
        "feishut" => format!("t-{}", random.alnum(40)),
        "low6" => random.letters("abcdefghijkmnpqrstuvwxyz23456789", 6),
        "low16" => random.letters("abcdefghijkmnpqrstuvwxyz23456789", 16),
        "boot" => format!(
            "{}.{}7",
            random.letters("abcdefghijkmnpqrstuvwxyz23456789", 6),
            random.letters("ghijkmnpqrstuvwxyz2345", 15)
        ),
        "uuid" => random.uuid(),
        "jwt" => jwt(random),
        "jwtcut" => jwt(random)[..120].to_owned(),
        "jwtb64" => STANDARD.encode(jwt(random)),
        "zhipu" => format!("{}.{}", random.hex(32), random.alnum(16)),
        "gitlab" => format!("glpat-{}", random.alnum(20)),
        "ghp" => format!("ghp_{}", random.alnum(36)),
        "xoxb" => format!("xoxb-{}-{}", random.letters("0123456789", 12), random.alnum(24)),
        "skant" => format!("sk-ant-api03-{}", random.alnum(80)),
        "skhex" => format!("sk-{}", random.hex(32)),
        "skliv" => format!("sk_live_{}", random.alnum(24)),
        "hvs" => format!("hvs.{}", random.alnum(24)),
        "twilio" => format!("SK{}", random.hex(32)),
        "telegram" => format!("{}:AA{}", random.letters("123456789", 10), random.alnum(33)),
        "pypi" => format!("pypi-AgEIcHlwaS5vcmc{}", random.alnum(60)),
        "ltai" => format!("LTAI5t{}", random.alnum(18)),
        "slackhook" => {
            format!("T{}/B{}/{}", random.letters(UPPER_BASE32, 8), random.letters(UPPER_BASE32, 8), random.alnum(24))
        }
        "gz" => format!("H4sIAAAAAAAA{}", random.alnum(200)),
        "sha512crypt" => format!("$6${}${}", random.alnum(12), random.alnum(86)),
        "bytes" => (0..12).map(|_| (97 + random.below(26)).to_string()).collect::<Vec<_>>().join(" "),
        "pem" | "pemesc" | "pemhead" | "pemtail" | "pemindent" => {
            let lines = key_lines(random);
            let all = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", lines.join("\n"));
            let text = match kind {
                "pemesc" => all.replace('\n', "\\n") + "\\n",
                "pemhead" => all[..all.len() - 50].to_owned(),
                "pemtail" => all[60..].to_owned(),
                "pemindent" => all.replace('\n', "\n      "),
                _ => all,
            };
            let parts = lines.iter().filter(|line| text.contains(line.as_str())).cloned().collect();
            return (text, parts);
        }
        _ if kind.starts_with("hex") => random.hex(kind[3..].parse().expect("a length")),
        _ if kind.starts_with("tok") => random.alnum(kind[3..].parse().expect("a length")),
        _ => panic!("no kind {kind}"),
    };
    (one.clone(), vec![one])
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
