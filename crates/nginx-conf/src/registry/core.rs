//! Directives of `src/core` and `src/event`: outside every block, and in `events`: one row each.

#[allow(clippy::wildcard_imports)]
use super::row::*;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // nginx
    once("daemon", &[MAIN], 1, 1, Flag, ACTING),
    once("master_process", &[MAIN], 1, 1, Flag, no_effect("the proxy always has its supervisor beside it")),
    once("timer_resolution", &[MAIN], 1, 1, Words, no_effect("the clock is read once for each turn of the loop")),
    once("pid", &[MAIN], 1, 1, Words, ACTING),
    once("lock_file", &[MAIN], 1, 1, Words, no_effect("no lock file is needed")),
    once("worker_processes", &[MAIN], 1, 1, Words, ACTING),
    once("debug_points", &[MAIN], 1, 1, Words, no_effect("it is for debugging nginx itself")),
    once("user", &[MAIN], 1, 2, Words, ACTING),
    once("worker_priority", &[MAIN], 1, 1, Words, UNSUPPORTED),
    once("worker_cpu_affinity", &[MAIN], 1, ANY, Words, no_effect("threads are placed by the scheduler")),
    once("worker_rlimit_nofile", &[MAIN], 1, 1, Words, ACTING),
    once("worker_rlimit_core", &[MAIN], 1, 1, Words, UNSUPPORTED),
    once("worker_shutdown_timeout", &[MAIN], 1, 1, Words, ACTING),
    once("working_directory", &[MAIN], 1, 1, Words, UNSUPPORTED),
    many("env", &[MAIN], 1, 1, Words, no_effect("no module reads the environment")),
    many("load_module", &[MAIN], 1, 1, Words, ACTING),
    // ngx_conf_file
    many("include", &[ANYWHERE], 1, 1, Words, ACTING),
    // ngx_log
    many("error_log", &[MAIN], 1, ANY, Words, ACTING),
    // ngx_regex
    once("pcre_jit", &[MAIN], 1, 1, Flag, no_effect("expressions are compiled when the file is read")),
    // ngx_thread_pool
    many("thread_pool", &[MAIN], 2, 3, Words, no_effect("files go out by sendfile; there is no pool of file threads")),
    // ngx_event
    once("events", &[MAIN], 0, 0, Block, ACTING),
    once("worker_connections", &[EVENTS], 1, 1, Words, ACTING),
    once("use", &[EVENTS], 1, 1, Words, ACTING),
    once("multi_accept", &[EVENTS], 1, 1, Flag, no_effect("a thread accepts until it has more connections than another")),
    once("accept_mutex", &[EVENTS], 1, 1, Flag, no_effect("the kernel spreads connections over the threads")),
    once("accept_mutex_delay", &[EVENTS], 1, 1, Words, no_effect("the kernel spreads connections over the threads")),
    many("debug_connection", &[EVENTS], 1, 1, Words, UNSUPPORTED),
    // ngx_event_openssl
    once("ssl_engine", &[MAIN], 1, 1, Words, needs("listen … ssl")),
    // ngx_event_openssl_cache
    once("ssl_object_cache_inheritable", &[MAIN], 1, 1, Flag, needs("listen … ssl")),
    // ngx_epoll_module
    once("epoll_events", &[EVENTS], 1, 1, Words, no_effect("the event loop sizes its own queues")),
    once("worker_aio_requests", &[EVENTS], 1, 1, Words, no_effect("the event loop sizes its own queues")),
    // ngx_event_quic_bpf
    once("quic_bpf", &[MAIN], 1, 1, Flag, needs("http3 on")),
];
