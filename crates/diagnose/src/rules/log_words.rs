//! The words by which programs say why they stop: one pattern for each reason, in Chinese and English.

use super::logs::Reason;
use crate::pattern::Pattern;

static RBAC: Pattern = Pattern::new(r#"is forbidden: User \\?"|cannot \w+ resource \\?""#);
static ARCHITECTURE: Pattern = Pattern::new(r"(?i)exec format error|exec user process caused.*format");
static NOT_EXECUTABLE: Pattern = Pattern::new(
    r"(?i)^(?:/\S*/)?(?:ba|a|z|da)?sh: .*permission denied|\.(?:sh|py|bin|bash): permission denied$|: cannot execute\b|exec:? \S+: permission denied",
);
static COMMAND_NOT_FOUND: Pattern = Pattern::new(
    r#"(?i)(?:^(?:/\S*/)?(?:ba|a|z|da)?sh: (?:line )?(?:\d+: )?.{1,120}: (?:command )?not found$|: command not found|executable file not found in|exec:? \S+: no such file or directory|env: .{1,80}: no such file or directory|sh: (?:0: )?(?:can't|cannot) open \S+|can't open file '[^']+': \[Errno 2\]|unable to access jarfile|未找到命令|找不到命令)"#,
);
static DISK_FULL: Pattern =
    Pattern::new(r"(?i)no space left on device|\bENOSPC\b|disk quota exceeded|磁盘空间不足|磁盘已满|设备上没有空间");
static READ_ONLY: Pattern = Pattern::new(r"(?i)read-only file ?system|\bEROFS\b|只读文件系统");
static PORT_IN_USE: Pattern = Pattern::new(
    r"(?i)address (?:already )?in use|EADDRINUSE|only one usage of each socket address|port \S{1,12} (?:was|is) already (?:in use|allocated|bound)|端口.{0,20}(?:被占用|已占用|占用中|已被使用|已被绑定)|地址已(?:在|被)使用",
);
static RIGHTS_IN_DATABASE: Pattern =
    Pattern::new(r"(?i)permission denied (?:for|to) (?:table|relation|schema|database|sequence|function|role)");
static AUTH: Pattern = Pattern::new(
    r#"(?i)password authentication failed|access denied for user|\bWRONGPASS\b|\bNOAUTH\b|invalid username-password|authenticat\w+ (?:failed|failure|error|rejected)|AuthenticationFailed|login failed for user|ACCESS_REFUSED|ORA-01017|invalid credentials|bad credentials|invalid password|incorrect password|no pg_hba\.conf entry|role "[^"]+" does not exist|InvalidAccessKeyId|SignatureDoesNotMatch|invalid api key|\b401 Unauthorized|unable to authenticate|not authorized to (?:access|perform)|认证失败|鉴权失败|身份验证失败|密码错误|密码不正确|用户名或密码"#,
);
static NAME: Pattern = Pattern::new(
    r#"(?i)no such host|\bENOTFOUND\b|EAI_AGAIN|name or service not known|nodename nor servname|temporary failure in name resolution|UnknownHostException|could not translate host name|NXDOMAIN|SERVFAIL|server can't find|bad address '|(?:could not|couldn't|cannot|unable to|failed to) resolve (?:the |address of )?(?:host|name|address|dns|service|domain|['"])|host not found in upstream|name does not resolve|can't resolve '|getaddrinfo (?:failed|error)|gaierror|no address associated with hostname|failed to lookup address|dns error|lookup \S+(?: on \S+)?: .*(?:i/o timeout|server misbehaving)|无法解析|域名解析失败|解析(?:主机|域名).{0,30}失败|未知的名称或服务|未知主机|主机名.{0,30}(?:不存在|解析)"#,
);
static REFUSED: Pattern = Pattern::new(
    r"(?i)connection (?:was )?refused|ECONNREFUSED|actively refused|connection to \S+ refused|no connection could be made|连接被拒绝|拒绝连接|连接拒绝|拒绝了连接",
);
static TIMEOUT: Pattern = Pattern::new(
    r"(?i)i/o timeout|\(timed out\)|connect.{0,60} timed out|connect(?:ion)? time(?:d )?-?out|ETIMEDOUT|ConnectTimeout|context deadline exceeded|SocketTimeoutException|timed out (?:while )?(?:connecting|waiting)|read timed out|timeout (?:expired|exceeded|connecting)|ServerSelectionTimeoutError|server selection (?:error|timeout)|no route to host|EHOSTUNREACH|network is unreachable|ENETUNREACH|operation timed out|upstream timed out|request timed out|(?:连接|请求|访问|读取|等待).{0,60}超时",
);
static CANNOT_CONNECT: Pattern = Pattern::new(
    r"(?i)could not connect to|can(?:no|')t (?:connect to|reach)|could not reach|connection to \S.{0,60} could not be established|unable to connect to|failed to connect to|connection is not available|communications link failure|NoBrokersAvailable|NoNodesAvailable|(?:数据库|缓存|redis|mysql|消息队列|服务|注册中心).{0,12}连接(?:失败|异常|不上)|连接.{0,30}(?:失败|不上)|无法连接",
);
static ENVIRONMENT: Pattern = Pattern::new(
    r#"(?i)KeyError: '(?-i:[A-Z][A-Z0-9_]+)'|env(?:ironment)?(?: var(?:iable)?s?)?:? ["'`]?(?-i:[A-Z][A-Z0-9_]{2,})["'`]? (?:is |was |are )?(?:not (?:set|found|defined|provided)|missing|required|undefined|empty|unset|must)|(?:missing|required|undefined|unset|invalid|no) (?:required |mandatory )?env(?:ironment)?[ _-]?(?:var(?:iable)?s?)?\b|environment variable.{0,60}(?:not (?:set|found|defined|present|provided)|missing|required|undefined|empty|unset|invalid|must be)|^\W*(?:\S+ ){0,6}["'`]?(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+)["'`]?:? (?:is |was |must be |environment )?(?:not set|required|missing|undefined|unset|set|not defined|empty|invalid)\b|(?-i:[A-Z][A-Z0-9_]{2,}): (?:parameter (?:null or )?not set|unbound variable)|could not resolve placeholder|required key \S+ missing value|you (?:need to|must) specify (?:one of|POSTGRES|MYSQL|at least)|database is uninitialized and|环境变量.{0,40}(?:未设置|缺失|为空|不存在|未定义|没有设置|无效|未配置)|(?:缺少|未设置|没有设置|未找到).{0,8}环境变量"#,
);
static CONFIG: Pattern = Pattern::new(
    r#"(?i)(?:cannot|can't|could not|couldn't|failed to|unable to|error(?: while)?|failure) (?:pars(?-u:\w)*|load(?-u:\w)*|decod(?-u:\w)*|unmarshal(?-u:\w)*|read(?-u:\w)*|open(?-u:\w)*|find) .{0,80}(?:config|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini|\.properties|\.xml)|(?:config|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini|\.properties|\.xml)\S{0,6}:? .{0,60}(?:no such file|not found|does not exist|invalid|malformed|syntax error|parse error|unexpected (?:token|end)|cannot parse|contains errors|test failed)|yaml: (?:line \d+|unmarshal|control characters)|yaml\.(?:scanner|parser|constructor)\.\w+|mapping values are not allowed|toml: |TOMLDecodeError|nginx: \[emerg\] (?:unknown directive|unexpected|invalid|directive|"\w+" directive|duplicate|no )|(?:invalid|bad|wrong|illegal) config|FATAL CONFIG FILE ERROR|unrecognized configuration parameter|unknown variable '|配置(?:文件)?.{0,30}(?:错误|失败|不存在|无效|非法|有误|异常)|(?:解析|加载|读取)配置(?:文件)?.{0,30}(?:失败|错误|异常)"#,
);
static PERMISSION: Pattern = Pattern::new(
    r"(?i)permission denied|\bEACCES\b|\bEPERM\b|operation not permitted|AccessDeniedException|PermissionError|access is denied|权限不足|权限不够|没有权限|拒绝访问|无权",
);

/// Most telling first.
pub static WORDS: [(&Pattern, Reason); 18] = [
    (&RBAC, Reason::Rbac),
    (&ARCHITECTURE, Reason::Architecture),
    (&COMMAND_NOT_FOUND, Reason::CommandNotFound),
    (&NOT_EXECUTABLE, Reason::NotExecutable),
    (&DISK_FULL, Reason::DiskFull),
    (&READ_ONLY, Reason::ReadOnly),
    (&PORT_IN_USE, Reason::PortInUse),
    (&RIGHTS_IN_DATABASE, Reason::AuthFailed),
    (&AUTH, Reason::AuthFailed),
    (&NAME, Reason::NameUnresolved),
    (&REFUSED, Reason::Refused),
    (&TIMEOUT, Reason::Timeout),
    (&CANNOT_CONNECT, Reason::Refused),
    (&ENVIRONMENT, Reason::Environment),
    (&CONFIG, Reason::ConfigFile),
    (&PERMISSION, Reason::PermissionDenied),
    (&PANIC, Reason::Panic),
    (&EXCEPTION, Reason::Exception),
];

static PANIC: Pattern = Pattern::new(
    r"^(?:\S+ ){0,4}?panic: |^fatal error: |unexpected fault address|thread '[^']*' (?:\(\d+\) )?panicked at|terminate called after throwing|segmentation fault|SIGSEGV|SIGABRT|SIGILL|SIGBUS|core dumped|[Aa]ssertion .{1,200} failed|free\(\): invalid|double free or corruption|malloc\(\): |\*\*\* stack smashing|Fatal Python error|A fatal error has been detected by the Java Runtime|JavaScript heap out of memory|段错误|核心已转储|程序崩溃",
);
static EXCEPTION: Pattern = Pattern::new(
    r#"^(?:.{0,120}\s)?Exception in thread "|^Caused by: |^Traceback \(most recent call last\)|[Uu]nhandled (?:[Ee]xception|[Pp]romise ?[Rr]ejection|error)|UnhandledPromiseRejection|^(?:[a-z_]\w*\.)+\w*(?:Exception|Error)\b|^(?:Uncaught )?[A-Z]\w*(?:Error|Exception)(?: \[\w+\])?: |^\w+(?:\.\w+)*Error: |\((?:[A-Z]\w*::)*[A-Z]\w*(?:Error|Exception)\)$|PHP Fatal error:|^Fatal error: |Uncaught (?:Exception|Error|TypeError|PDOException)|Cannot find module|ModuleNotFoundError|Could not find or load main class|Application run failed|java\.lang\.OutOfMemoryError|error while loading shared libraries|内存溢出|未捕获的?异常|未处理的?异常"#,
);

#[cfg(test)]
mod tests {
    use crate::rules::logs::Reason::{self, *};
    use crate::rules::logs::recognise;

    /// What programs write, and what it means.
    const LINES: &[(&str, Option<Reason>)] = &[
        ("Error: P1001: Can't reach database server at `postgres`:`5432`", Some(Refused)),
        (
            "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'mysql' ([Errno 111] Connection refused)\")",
            Some(Refused),
        ),
        (
            "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'mysql' (timed out)\")",
            Some(Timeout),
        ),
        (
            "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'mysql' ([Errno -2] Name or service not known)\")",
            Some(NameUnresolved),
        ),
        (
            "pymysql.err.OperationalError: (1045, \"Access denied for user 'root'@'10.244.0.5' (using password: YES)\")",
            Some(AuthFailed),
        ),
        (
            "MongoServerSelectionError: connect ECONNREFUSED 10.96.10.4:27017\n    at Topology.selectServer (/app/node_modules/mongodb/lib/sdam/topology.js:284:38) {\n  reason: TopologyDescription {\n    type: 'Unknown',\n    servers: Map(1) { 'mongo:27017' => [ServerDescription] },\n  },\n  code: undefined\n}",
            Some(Refused),
        ),
        ("MongooseServerSelectionError: getaddrinfo ENOTFOUND mongo", Some(NameUnresolved)),
        (
            "pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno 111] Connection refused (configured timeouts: socketTimeoutMS: 20000.0ms), Timeout: 30s",
            Some(Refused),
        ),
        (
            "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago. The driver has not received any packets from the server.\n\tat com.mysql.cj.jdbc.exceptions.SQLError.createCommunicationsException(SQLError.java:174)\nCaused by: java.net.ConnectException: Connection refused (Connection refused)\n\tat java.net.PlainSocketImpl.socketConnect(Native Method)",
            Some(Refused),
        ),
        (
            "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'dataSource'\nCaused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"app\"",
            Some(AuthFailed),
        ),
        ("Caused by: java.net.SocketTimeoutException: connect timed out", Some(Timeout)),
        (
            "***************************\nAPPLICATION FAILED TO START\n***************************\n\nDescription:\n\nWeb server failed to start. Port 8080 was already in use.\n\nAction:\n\nIdentify and stop the process that's listening on port 8080",
            Some(PortInUse),
        ),
        (
            "java.lang.IllegalArgumentException: Could not resolve placeholder 'DB_URL' in value \"${DB_URL}\"",
            Some(Environment),
        ),
        (
            "Error: listen EADDRINUSE: address already in use :::3000\n    at Server.setupListenHandle [as _listen2] (node:net:1463:16)",
            Some(PortInUse),
        ),
        ("OSError: [Errno 98] Address already in use", Some(PortInUse)),
        ("[emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", Some(PortInUse)),
        (
            "redis.exceptions.ConnectionError: Error -2 connecting to redis-master:6379. Name or service not known.",
            Some(NameUnresolved),
        ),
        ("NOAUTH Authentication required.", Some(AuthFailed)),
        (
            "dial tcp: lookup redis on 10.96.0.10:53: read udp 10.244.1.3:41277->10.96.0.10:53: i/o timeout",
            Some(NameUnresolved),
        ),
        ("FATAL:  role \"shop\" does not exist", Some(AuthFailed)),
        ("Error: EACCES: permission denied, open '/data/app.log'", Some(PermissionDenied)),
        ("PermissionError: [Errno 13] Permission denied: '/var/log/app.log'", Some(PermissionDenied)),
        ("chown: changing ownership of '/var/lib/postgresql/data': Operation not permitted", Some(PermissionDenied)),
        (
            "initdb: error: could not change permissions of directory \"/var/lib/postgresql/data\": Operation not permitted",
            Some(PermissionDenied),
        ),
        ("standard_init_linux.go:228: exec user process caused: exec format error", Some(Architecture)),
        ("exec /usr/bin/app: no such file or directory", Some(CommandNotFound)),
        ("/bin/sh: 1: npm: not found", Some(CommandNotFound)),
        ("sh: can't open '/app/run.sh': No such file or directory", Some(CommandNotFound)),
        ("python: can't open file '/app/main.py': [Errno 2] No such file or directory", Some(CommandNotFound)),
        ("Error: Unable to access jarfile app.jar", Some(CommandNotFound)),
        ("/entrypoint.sh: /app/server: Permission denied", Some(PermissionDenied)),
        ("2026-11-24 02:58:00.000 ERROR [main] c.e.App - 数据库连接失败", Some(Refused)),
        ("[ERROR] 连接 Redis 失败: 连接被拒绝 (redis:6379)", Some(Refused)),
        ("[ERROR] 连接数据库失败，用户名或密码错误", Some(AuthFailed)),
        ("错误：配置文件 /etc/app/app.yaml 解析失败", Some(ConfigFile)),
        ("错误: 环境变量 DB_HOST 未设置", Some(Environment)),
        ("环境变量DB_HOST未配置，程序退出", Some(Environment)),
        ("无法解析主机名 mysql.prod", Some(NameUnresolved)),
        ("java.lang.OutOfMemoryError: Java heap space\nDumping heap to java_pid1.hprof ...", Some(Exception)),
        (
            "<--- Last few GCs --->\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0xb7b3e0 node::Abort()",
            Some(Panic),
        ),
        (
            "/app/lib/foo.rb:12:in `total': undefined method `+' for nil:NilClass (NoMethodError)\n\tfrom /app/main.rb:3:in `<main>'",
            Some(Exception),
        ),
        (
            "PHP Fatal error:  Uncaught TypeError: Unsupported operand types: string + int in /app/index.php:7",
            Some(Exception),
        ),
        ("ModuleNotFoundError: No module named 'flask'", Some(Exception)),
        ("Segmentation fault (core dumped)", Some(Panic)),
        (
            "panic: open /etc/app/config.yaml: no such file or directory\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d",
            Some(ConfigFile),
        ),
        ("error: failed to load config file: invalid character '}' looking for beginning of value", Some(ConfigFile)),
        (
            "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 3 column 5 (char 40)",
            Some(Exception),
        ),
        (
            "yaml.scanner.ScannerError: mapping values are not allowed here\n  in \"/etc/app/config.yml\", line 4, column 9",
            Some(ConfigFile),
        ),
        ("Error: required environment variable \"API_KEY\" is not set", Some(Environment)),
        ("env: required environment variable \"API_KEY\" is not set", Some(Environment)),
        ("SECRET_KEY must be set", Some(Environment)),
        ("Error: Missing required env var: STRIPE_KEY", Some(Environment)),
        (
            "thread 'main' panicked at src/main.rs:9:42:\ncalled `Result::unwrap()` on an `Err` value: NotPresent",
            Some(Panic),
        ),
        (
            "error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser.",
            Some(Environment),
        ),
        (
            "2026-11-24 02:58:00+00:00 [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD",
            Some(Environment),
        ),
        (
            "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at line 12\n>>> 'maxmemoryy 100mb'\nBad directive or wrong number of arguments",
            Some(ConfigFile),
        ),
        (
            "{\"level\":\"fatal\",\"msg\":\"failed to connect to redis\",\"error\":\"dial tcp 10.96.3.3:6379: connect: connection refused\"}",
            Some(Refused),
        ),
        (
            "{\"level\":\"info\",\"msg\":\"retry\",\"error\":\"dial tcp 10.96.3.3:6379: connect: connection refused\"}",
            None,
        ),
        (
            "grpc: addrConn.createTransport failed to connect to {Addr: \"payments:50051\"}. Err: connection error: desc = \"transport: Error while dialing: dial tcp 10.96.1.2:50051: connect: connection refused\"",
            Some(Refused),
        ),
        (
            "failed to connect to `host=pg user=app database=shop`: hostname resolving error (lookup pg on 10.96.0.10:53: no such host)",
            Some(NameUnresolved),
        ),
        ("nc: bad address 'db'", Some(NameUnresolved)),
        ("** server can't find db.shop.svc.cluster.local: NXDOMAIN", Some(NameUnresolved)),
        ("wget: can't connect to remote host (10.96.3.3): Connection refused", Some(Refused)),
        ("curl: (6) Could not resolve host: api", Some(NameUnresolved)),
        ("curl: (7) Failed to connect to api port 80 after 3 ms: Connection refused", Some(Refused)),
        ("curl: (28) Failed to connect to api port 80 after 130000 ms: Connection timed out", Some(Timeout)),
        (
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='api', port=80): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object>: Failed to establish a new connection: [Errno 111] Connection refused'))",
            Some(Refused),
        ),
        (
            "Amqp connection error: ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN",
            Some(AuthFailed),
        ),
        ("level=info msg=\"listening on :8080\"\nlevel=info msg=\"shutting down\"", None),
        ("INFO  no errors found\nINFO done", None),
        (
            "E1124 03:00:02.114 reflector.go:205] \"Failed to watch\" err=\"configmaps is forbidden: User \\\"system:serviceaccount:a:b\\\" cannot list resource \\\"configmaps\\\" in API group\"",
            Some(Rbac),
        ),
        ("touch: cannot touch '/app/x': Read-only file system", Some(ReadOnly)),
        ("Unhandled exception. System.Net.Sockets.SocketException (111): Connection refused", Some(Refused)),
        ("E: Error: failed to bind to 0.0.0.0:443: permission denied", Some(PermissionDenied)),
        (
            "Traceback (most recent call last):\n  File \"/app/app.py\", line 3, in <module>\n    import foo\nImportError: cannot import name 'x' from 'foo'\n",
            Some(Exception),
        ),
        ("kafka.errors.NoBrokersAvailable: NoBrokersAvailable", Some(Refused)),
        (
            "[2026-11-24 02:58:00,000] WARN [AdminClient] Connection to node -1 (kafka/10.96.2.2:9092) could not be established. Broker may not be available.",
            Some(Refused),
        ),
        ("Could not connect to Redis at redis:6379: Connection refused", Some(Refused)),
    ];

    #[test]
    fn reads_what_programs_write() {
        for (log, wanted) in LINES {
            assert_eq!(recognise(log).map(|said| said.reason), *wanted, "{log}");
        }
    }
}
