//! Rules on texts that are not in the corpus: what has to go, what has to stay, and that no text breaks them.

use proptest::prelude::*;

/// `«»` stand around what has to go; everything else has to stay.
const MARKED: [&str; 64] = [
    "POST https://open.feishu.cn/open-apis/bot/v2/hook/«5c2f1b7e-30aa-4c41-9d7e-0a5de2b1c0f4» 200",
    "url: https://oapi.dingtalk.com/robot/send?access_token=«9d1c4f7be02a6d1c4f7be02a6d1c4f7be02a6d1c4f7be02a» x",
    "签名密钥：«SECa81d8c2f90b34e6f», 机器人 ops",
    "数据库口令: «Tr0ub4dor»；重试 3 次",
    "wrong password=«hunter2» for user=bob",
    "REDIS_URL=redis://:«p4ssw0rd»@redis-master.cache.svc:6379/0",
    "dial postgres://app:«pa/ss@wo:rd»@db.prod.svc:5432/x failed",
    "dsn=\"root:«R00t!pw»@tcp(mysql.db:3306)/app?parseTime=true\"",
    "proxy http://bob:«s3cret»@proxy.local:3128 refused",
    "git clone https://«ghp_0123456789abcdefghijABCDEFGHIJ012345»@github.com/acme/ops.git",
    "jdbc:mysql://db:3306/app?user=app&password=«Zx9vQ2»&useSSL=false",
    "Server=tcp:db,1433;User ID=sa;Password=«Abc!2345»;Encrypt=True",
    "DefaultEndpointsProtocol=https;AccountName=logs;AccountKey=«kLm0Z3VhcmQ5dGhlK25pZ2h0L3dhdGNoPQ==»;EndpointSuffix=core.windows.net",
    "docker login -u ci -p «Xk29fj2k» registry.example.com",
    "redis-cli -h redis -a «cachePW99» ping",
    "sshpass -p «l0ngpw» ssh ops@bastion",
    "mysqldump -uroot -p«Toor1234» orders",
    "args: [\"--api-key\", \"«k-29fj20fj2»\", \"--port\", \"8080\"]",
    "  - --token\n  - «abc123def»\n  - --verbose",
    "{\"name\":\"DB_PASSWORD\",\"value\":\"«root»\"},{\"name\":\"TZ\",\"value\":\"UTC\"}",
    "{\\\"name\\\":\\\"API_TOKEN\\\",\\\"value\\\":\\\"«x1y2z3»\\\"}",
    "    - name: SMTP_PASS\n      value: \"«mail me»\"\n    - name: SMTP_HOST\n      value: mail.example.com",
    "spring.datasource.password=«Spr1ng!» ",
    "  password: «p w with spaces»  # rotated\n  user: app",
    "  privateKey: |\n    «line one\n    line two»\n  port: 8443",
    "tls: «-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\nBKcwggSjAgEAAoIBAQC7\\n-----END PRIVATE KEY-----»\\n rest",
    "cut «-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH\nAbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefghijklmnopqrstuvwx\n»",
    "authorization: Bearer «abc.DEF-123_456~7»",
    "Authorization: Basic «dXNlcjpwYXNz» rest",
    "-H 'PRIVATE-TOKEN: «glpat-abcdEFGH1234ijklMNOP»' https://gitlab.example.com/api",
    "Cookie: sid=«a8f7e6d5c4b3»; theme=dark\nHost: x",
    "k=«AKIAIOSFODNN7EXAMPLE» region=eu-west-1",
    "accessKeyId: «LTAI5tQnExampleAbCdEf123»",
    "secretId «AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE» ok",
    "ak=«AKLTYzEwExampleExampleExample0123»",
    "notify xapp: «xoxb-123456789012-abcdefGHIJ» sent",
    "key «sk-ant-api03-abcDEF123_456-ghi789JKL» rejected",
    "DASHSCOPE_API_KEY: «sk-0123456789abcdef0123456789abcdef»",
    "npmrc: //npm.example.com/:_authToken=«0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0»",
    "stripe «sk_live_51H8abcdefghijKLMNOP» down",
    "vault token «hvs.CAESIJabcdefghijklmnopqrstuv» lease 3600s",
    "hf «hf_abcdefghijklmnopqrstuvwxyzABCDEFGH» ok",
    "ops:«$6$rounds=5000$saltsalt$0123456789abcdefghijABCDEFGHIJ./»:19000",
    "userPassword: «{SSHA}AbCdEf0123456789AbCdEf0123456789»",
    "join --token «abcdef.0123456789abcdef» 10.0.0.1:6443",
    "requirepass «foobared9»\nport 6379",
    "CREATE USER 'app'@'%' IDENTIFIED BY '«s3cr3tPw»';",
    "machine api.example.com login ops password «qwe789» # x",
    "client_secret=«GOCSPX-abcdefghijklmnopqrstuvwx»&grant_type=code",
    "X-Amz-Signature=«3f2a9c0011223344556677889900aabbccddeeff00112233445566778899aabb»&X-Amz-Date=20260101T000000Z",
    "{\"auths\":{\"r.example.com\":{\"auth\":\"«Y2k6cGFzc3dvcmQxMjM=»\"}}}",
    "data: «H4sIAAAAAAAAA0tMSk5JTUvPyMzKzsnNyy8oLCouKS0rr6isqgYAcNTRthoAAAA=» release",
    "token := \"«t0k3n-value»\"",
    "{Host:db Password:«pw1234» Port:5432}",
    "&Config{APIKey:\"«k3y»\", Debug:true}",
    "env: map[DB_PASSWORD:«abcd1» PORT:80]",
    "kind: Secret\nmetadata:\n  name: web\ndata:\n  anything: «aGVsbG8=»\n  other: |\n    «bXVsdGkK»",
    "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"web\"},\"data\":{\"anything\":\"«aGVsbG8=»\"}}",
    "webhook https://hooks.slack.com/services/«T00000000/B00000000/XXXXabcd1234»",
    "smtp: auth failed, passwd = '«it''s»'",
    "  bot_token: «123456789:AAexampleexampleexampleexample01234»",
    "sasl.jaas.config=PlainLoginModule required username=\"svc\" password=\"«kafka-pw»\";",
    "helm install --set auth.rootPassword=«Hunter22»,replicas=3",
    "curl -u 'admin:«Harbor12345»' https://harbor.example.com",
];

const CLEAN: [&str; 34] = [
    "Successfully pulled image \"nginx@sha256:8db6c12215f4159df61d423a2967be90c8c0ac2a4894a857a33790ab2c5098ab\" in 1.2s",
    "uid: ef5e7f32-1a6d-48ec-a555-474f919ff024 resourceVersion: \"8812345\"",
    "containerID: containerd://0025914f2647ac21363d19bc4b3958760025914f2647ac21363d19bc4b395876",
    "Error: secret \"db-credentials\" not found",
    "couldn't find key password in Secret aiops/db-credentials",
    "imagePullSecrets: [{name: regcred}]",
    "    imagePullSecrets:\n    - name: harbor-pull-secret\n",
    "secretName: web-tls\n    secret: web-tls\n",
    "nginx.ingress.kubernetes.io/auth-tls-secret: prod/client-ca",
    "FATAL: password authentication failed for user \"app\"",
    "level=warn msg=\"token: expired\" user=bob",
    "Password: required, Token: invalid, secret: missing",
    "Failed to pull image \"r.example.com/app:v1\": unauthorized: authentication required",
    "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
    "MountVolume.SetUp failed for volume \"kube-api-access-x7k2p\" : failed to fetch token: serviceaccounts \"web\" not found",
    "error: You must be logged in to the server (Unauthorized)",
    "topologyKey: topology.kubernetes.io/zone",
    "max_tokens: 4096, total_tokens=1532 tokens: 12",
    "http://prometheus:9090/graph?g0.expr=up&user=a@b.example",
    "storageclass.kubernetes.io/is-default-class: \"true\"",
    "waiting for a volume to be created, either by external provisioner \"com.example/disk\" or manually",
    "pods \"web-6db6fb878d-mgzzn\" is forbidden: User \"system:serviceaccount:aiops:web\" cannot get resource \"secrets\"",
    "docker run -u 1000:1000 image",
    "git@github.com:acme/ops.git and ssh://git@host:22/x",
    "Back-off restarting failed container=web pod=web-0_aiops(ef5e7f32-1a6d-48ec-a555-474f919ff024)",
    "authorization: enabled\nauth: basic\n",
    "GET /api/v1/namespaces/aiops/secrets?limit=500 200",
    "readinessProbe: exec [\"cat\", \"/tmp/ready\"] failed: exit code 1",
    "hash=5d41402abc4b2a76b9719d911017c592 commit=387af713ec242f63aabf6058d51e310654c12150",
    "secretRef: {name: api-token-secret}, configMapRef: {name: app-env-2}",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
    "claim aiops/test-data asks for 5Gi where the class's disks start at 10Gi",
    "密码错误次数过多，请稍后再试",
    "PASSWORD_FILE=/run/secrets/db token_ttl=3600 secretKeyRef.key=password",
];

#[test]
fn what_is_marked_goes_and_the_rest_stays() {
    let mut wrong = Vec::new();
    for marked in MARKED {
        let (mut text, mut outside, mut inside) = (String::new(), Vec::new(), Vec::new());
        for (index, part) in marked.split(['«', '»']).enumerate() {
            text.push_str(part);
            if index % 2 == 0 { outside.push(part) } else { inside.push(part) }
        }
        let redactor = redact::Redactor::new();
        let clean = redactor.text(&text);
        let mut rest: &str = &clean;
        for part in outside {
            let at = rest.find(part.trim());
            if at.is_none() {
                wrong.push(format!("{part:?} is lost\n from {text}\n   to {clean}"));
                break;
            }
            rest = &rest[at.unwrap_or_default() + part.trim().len()..];
        }
        for part in inside {
            if clean.contains(part) {
                wrong.push(format!("{part:?} is left\n from {text}\n   to {clean}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn clean_text_stays() {
    for text in CLEAN {
        assert_eq!(redact::Redactor::new().text(text), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_named_password_goes_whatever_stands_around_it(
        before in "[a-z {}\\[\\],\"\\n]{0,40}",
        password in "[A-Za-z0-9]{3}[A-Za-z0-9!#%^*_.]{6,20}[0-9]",
        after in "[a-z {}\\[\\],\\n]{0,40}",
    ) {
        for text in [
            format!("{before}\nDB_PASSWORD={password} {after}"),
            format!("{before} \"password\": \"{password}\" {after}"),
            format!("{before} mongodb://app:{password}@db:27017/x {after}"),
            format!("{before}\n  - name: API_TOKEN\n    value: {password}\n{after}"),
        ] {
            let redactor = redact::Redactor::new();
            let clean = redactor.text(&text);
            prop_assert!(!clean.contains(&password), "{} -> {}", text, clean);
        }
    }
}
