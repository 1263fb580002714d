"""What functions of well-known modules can do: reach the network, start programs, touch files, run made-up code."""

from __future__ import annotations

import re

from repertory.content.checks.references import is_of

NETWORK = frozenset({
    "aiohttp", "aioimaplib", "aiosmtplib", "asyncio.open_connection", "asyncio.open_unix_connection",
    "asyncio.start_server", "asyncio.start_unix_server", "asyncssh", "azure", "boto3", "botocore",
    "botocore.session", "dns.asyncquery", "dns.asyncresolver", "dns.query", "dns.resolver", "dns.update", "docker",
    "elasticsearch", "fabric", "ftplib", "google.cloud", "googleapiclient.discovery", "grpc", "http.client",
    "http.server", "httplib2", "httpx", "imaplib", "impacket", "kafka", "ldap", "ldap3", "mysql.connector",
    "nntplib", "paramiko", "pika", "poplib", "psycopg", "psycopg2", "pycurl", "pymongo", "pymysql", "pysnmp",
    "pyodbc", "redis", "requests", "requests_ntlm", "scapy", "slack_sdk", "smtplib", "socket", "socketserver",
    "suds", "telnetlib", "urllib.request", "urllib2", "urllib3", "webbrowser", "websocket", "websockets", "whois",
    "winrm", "xmlrpc.client", "xmlrpc.server", "zeep",
})  # fmt: skip
# Names below those that do not connect to anything.
_OFFLINE = frozenset({
    "azure.core.exceptions", "botocore.config", "botocore.exceptions", "dns.resolver.get_default_resolver",
    "google.cloud.exceptions", "httpx.codes", "ldap.filter", "ldap3.utils", "requests.adapters", "requests.auth",
    "requests.codes", "requests.compat", "requests.cookies", "requests.exceptions", "requests.models",
    "requests.packages", "requests.status_codes", "requests.structures", "requests.utils", "requests.Response",
    "socket.gethostname", "socket.getdefaulttimeout", "socket.has_ipv6", "socket.setdefaulttimeout",
    "socket.timeout", "socket.gaierror", "socket.herror", "socket.error", "socket.ntohl", "socket.ntohs",
    "socket.htonl", "socket.htons", "socket.inet_aton", "socket.inet_ntoa", "socket.inet_ntop", "socket.inet_pton",
    "urllib.request.Request", "urllib.request.pathname2url", "urllib.request.url2pathname",
    "urllib.request.HTTPRedirectHandler", "urllib3.disable_warnings", "urllib3.exceptions", "urllib3.util",
    "http.client.HTTPMessage", "http.client.HTTPResponse", "http.client.responses", "slack_sdk.errors",
})  # fmt: skip
# Classes of errors, constants, and what says of a package who made it.
_HARMLESS = re.compile(
    r"(Error|Exception|Warning|Timeout|Refused)$|^[A-Z][A-Z0-9_]+$|^(NoAnswer|NoNameservers)$|^__\w+__$"
)
PROGRAMS = frozenset({
    "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "commands.getoutput", "git.Git",
    "git.Repo", "os.execl", "os.execle", "os.execlp", "os.execv", "os.execve", "os.execvp", "os.execvpe", "os.fork",
    "os.forkpty", "os.popen", "os.posix_spawn", "os.posix_spawnp", "os.spawnl", "os.spawnle", "os.spawnlp",
    "os.spawnv", "os.spawnve", "os.spawnvp", "os.startfile", "os.system", "pexpect", "plumbum", "pty.fork",
    "pty.spawn", "sh", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
    "subprocess.getoutput", "subprocess.getstatusoutput", "subprocess.run",
})  # fmt: skip
READING = frozenset({
    "open", "io.open", "io.FileIO", "codecs.open", "os.open", "os.listdir", "os.scandir", "os.walk", "os.readlink",
    "glob.glob", "glob.iglob", "pathlib.Path", "pathlib.PosixPath", "linecache.getline", "zipfile.ZipFile",
    "tarfile.open", "gzip.open", "sqlite3.connect",
})  # fmt: skip
WRITING = frozenset({
    "os.remove", "os.unlink", "os.rename", "os.replace", "os.rmdir", "os.removedirs", "os.mkdir", "os.makedirs",
    "os.chmod", "os.chown", "os.symlink", "os.link", "os.truncate", "os.mkfifo", "shutil.rmtree", "shutil.move",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.chown",
})  # fmt: skip
NATIVE = frozenset({"ctypes", "cffi", "_ctypes"})
THREADS = frozenset({
    "threading.Thread", "threading.Timer", "_thread.start_new_thread", "concurrent.futures.ThreadPoolExecutor",
    "multiprocessing.pool.ThreadPool",
})  # fmt: skip
PROCESSES = frozenset({"multiprocessing", "concurrent.futures.ProcessPoolExecutor"})
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"})
EVALUATING = frozenset({
    "eval", "exec", "compile", "code.InteractiveInterpreter", "code.interact", "runpy", "types.FunctionType",
    "types.CodeType", "marshal.loads", "marshal.load", "zipimport", "imp.load_source",
    "importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader",
})  # fmt: skip
EXECUTING = frozenset({"eval", "exec", "compile", "types.FunctionType", "types.CodeType"})
DECODING = frozenset({
    "base64", "binascii.unhexlify", "binascii.a2b_base64", "bytes.fromhex", "codecs.decode", "gzip.decompress",
    "lzma.decompress", "bz2.decompress", "marshal.loads", "zlib.decompress",
})  # fmt: skip
LOADING = frozenset({
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.loads", "dill.load", "dill.loads",
    "cloudpickle.loads", "jsonpickle.decode", "shelve.open", "marshal.load", "marshal.loads", "joblib.load",
    "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "pandas.read_pickle", "torch.load",
})  # fmt: skip
CHANCE = frozenset({
    "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow",
    "os.getpid", "os.urandom", "random", "secrets", "time.asctime", "time.ctime", "time.gmtime", "time.localtime",
    "time.monotonic", "time.perf_counter", "time.time", "time.time_ns", "uuid.getnode", "uuid.uuid1", "uuid.uuid4",
})  # fmt: skip
SLEEPING = frozenset({"time.sleep", "asyncio.sleep"})


def connects(name: str) -> bool:
    """Whether using this name may reach the network."""
    if not is_of(name, NETWORK) or is_of(name, _OFFLINE):
        return False
    return not _HARMLESS.search(name.rpartition(".")[2])
