# The two commands: `make lab` shows what this is about, `make test` proves it.
.PHONY: lab test lint build

# The main job: two directors, two real servers, a client; a live failover with its figures.
lab:
	@scripts/install-packages
	@cargo build --release --quiet -p backstay
	@target/release/backstay lab

# Everything that is tested, against the real peers where there is one.
test:
	@scripts/install-packages
	cargo build --workspace --bins --examples
	cargo test --workspace --no-fail-fast

# What is asked of every commit.
lint:
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings

build:
	cargo build --release -p backstay

# Installs the program, its unit, which is not started, its user, and who may have its name on D-Bus. Nothing of nginx or keepalived
# is touched. With DESTDIR whoever installs the files in the end makes the user of them.
.PHONY: install
install: build
	install -D -m 755 target/release/backstay $(DESTDIR)/usr/local/sbin/backstay
	install -D -m 644 packaging/systemd/backstay.service $(DESTDIR)/etc/systemd/system/backstay.service
	install -D -m 644 packaging/sysusers.d/backstay.conf $(DESTDIR)/usr/lib/sysusers.d/backstay.conf
# Before the policy: a bus that reads it passes over a user it does not know.
ifeq ($(DESTDIR),)
	if command -v systemd-sysusers >/dev/null; then systemd-sysusers backstay.conf; \
	elif ! id backstay >/dev/null 2>&1; then \
		useradd --system --home-dir / --no-create-home --shell /usr/sbin/nologin --comment Backstay backstay; fi
endif
	install -D -m 644 packaging/dbus/backstay.conf $(DESTDIR)/etc/dbus-1/system.d/backstay.conf
