package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTokensChangeWhileTheDaemonRuns: a token that is made is good at once, one that is revoked is not from the
// next request on, its browser is signed out, and a file that others can read makes no token good.
func TestTokensChangeWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tokens := filepath.Join(folder, "tokens.json")
	admin := newToken(t, tokens, "ada", "kill")
	d := startDaemon(t, "--tokens", tokens)
	lists := func(token string) int {
		status, _, _ := d.ask(t, http.DefaultClient, asking{method: http.MethodGet, path: "/v1/plugins", token: token})
		return status
	}
	eve := newToken(t, tokens, "eve", "read")
	if got := lists(eve); got != http.StatusOK {
		t.Errorf("a token that was just made: %d", got)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: noRedirect.CheckRedirect}
	page := func() (int, string) {
		status, header, _ := d.ask(t, browser, asking{method: http.MethodGet, path: "/debug/registry", change: func(r *http.Request) { r.Header.Set("Accept", "text/html") }})
		return status, header.Get("Location")
	}
	if status, to := page(); status != http.StatusSeeOther || !strings.HasPrefix(to, "/console/login?next=") {
		t.Errorf("a browser without a session: %d to %s", status, to)
	}
	signIn := asking{
		method: http.MethodPost, path: "/console/login", body: url.Values{"token": {eve}, "next": {"/debug/registry"}}.Encode(),
		change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", d.url)
		},
	}
	if status, header, _ := d.ask(t, browser, signIn); status != http.StatusSeeOther || header.Get("Location") != "/debug/registry" ||
		!strings.Contains(header.Get("Set-Cookie"), "HttpOnly") || !strings.Contains(header.Get("Set-Cookie"), "SameSite=Strict") {
		t.Errorf("signing in: %d, %v", status, header)
	}
	if status, _ := page(); status != http.StatusOK {
		t.Errorf("a browser with a session: %d", status)
	}

	if r := d.roster(t, "token", "revoke", "eve", "--tokens", tokens); r.code != 0 || !strings.Contains(r.stdout, "is revoked") {
		t.Fatalf("%+v", r)
	}
	if got := lists(eve); got != http.StatusUnauthorized {
		t.Errorf("a token that was just revoked: %d", got)
	}
	if status, _ := page(); status != http.StatusSeeOther {
		t.Errorf("the session of a token that was revoked: %d", status)
	}
	if got := lists(admin); got != http.StatusOK {
		t.Errorf("the other token: %d", got)
	}

	if err := os.Chmod(tokens, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := lists(admin); got != http.StatusServiceUnavailable {
		t.Errorf("while others can read the file: %d", got)
	}
	if r := d.roster(t, "up", "--listen", "127.0.0.1:0", "--tokens", tokens); r.code != 2 || !strings.Contains(r.stderr, "chmod 600 "+tokens) {
		t.Errorf("a daemon starts with it: %+v", r)
	}
	if err := os.Chmod(tokens, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lists(admin); got != http.StatusOK {
		t.Errorf("when they cannot any more: %d", got)
	}
	assertNoSecrets(t, d, folder, admin, eve)
}

// TestFailuresAreLimited: who fails too often is told to wait, and the owner of a good token on the same address
// is served all the while.
func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	good := newToken(t, tokens, "ada", "read")
	d := startDaemon(t, "--tokens", tokens)
	list := asking{method: http.MethodGet, path: "/v1/plugins"}
	limited := func() bool {
		status, header, body := d.ask(t, http.DefaultClient, list)
		if status == http.StatusTooManyRequests && (header.Get("Retry-After") == "" || !strings.Contains(body, "resource_exhausted")) {
			t.Errorf("it does not say how long to wait: %v %s", header, body)
		}
		return status == http.StatusTooManyRequests
	}
	eventually(t, time.Minute, "failures are limited", limited)
	eventually(t, time.Minute, "the command line says so", func() bool {
		r := d.roster(t, "ls", "plugins")
		return r.code == 7 && strings.Contains(r.stderr, "too many requests have failed")
	})
	r := d.roster(t, "audit", "-o", "json", "--token-file", privateFile(t, good))
	var audit struct{ Entries []auditEntry }
	if err := json.Unmarshal([]byte(r.stdout), &audit); err != nil || r.code != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	many := 0
	for _, e := range audit.Entries {
		if strings.Contains(e.Error, "too many") {
			many++
			if e.Outcome != "refused" || e.Target != "many requests" {
				t.Errorf("the audit log has %+v", e)
			}
		}
	}
	if many == 0 {
		t.Errorf("the audit log has no failure that was limited: %+v", audit.Entries)
	}
}

// certified is a config of a daemon that asks for certificates of an authority.
func certified(t *testing.T, a *authority, audit string, roles map[string]string) string {
	t.Helper()
	cert, key := a.sign(t, "roster://host/any")
	var text strings.Builder
	fmt.Fprintf(&text, "access:\n  cert_file: %s\n  key_file: %s\n  client_ca_file: %s\n  peer_ca_file: %s\n  audit_file: %s\n  certificates:\n",
		cert, key, a.file, a.file, audit)
	for name, role := range roles {
		fmt.Fprintf(&text, "    %q: %s\n", name, role)
	}
	config := filepath.Join(t.TempDir(), "roster.yaml")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestMutualTLS: certificates have roles, one of another authority does not even connect, and hosts call each
// other with theirs.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	a, audit := newAuthority(t), filepath.Join(t.TempDir(), "audit.jsonl")
	roles := map[string]string{"uri:roster://host/any": "operate", "uri:roster://person/rita": "read", "uri:roster://person/kim": "kill"}
	server := startDaemon(t, "--host", "server", "--plugins", p.plugins, "--config", certified(t, a, audit, roles))
	client := startDaemon(t, "--host", "client", "--etcd", server.etcd, "--config", certified(t, a, filepath.Join(t.TempDir(), "a.jsonl"), roles))
	if !strings.HasPrefix(server.url, "https://127.0.0.1:") {
		t.Fatalf("the daemon serves %s", server.url)
	}
	as := func(who string) []string {
		cert, key := a.sign(t, "roster://person/"+who)
		return []string{"--tls-ca", a.file, "--tls-cert", cert, "--tls-key", key}
	}
	kim, rita := as("kim"), as("rita")
	run := func(d *daemon, flags []string, args ...string) commandResult {
		return d.roster(t, append(args, flags...)...)
	}
	eventually(t, time.Minute, "the client's host knows the server's", func() bool {
		return strings.Contains(run(client, rita, "ls", "instances").stdout, "markdown.render")
	})
	// Nobody serves this on the client's host, so it calls the server's with its own certificate.
	if r := run(client, kim, "call", "markdown.render", `{"markdown": "*hi*"}`, "-v"); r.code != 0 || !strings.Contains(r.stderr, "server") {
		t.Errorf("a call that another host serves: %+v", r)
	}
	e := onlyEntry(t, auditFile(t, audit), func(e auditEntry) bool { return e.Action == "call" })
	if e.Who != "uri:roster://host/any" || e.Role != "operate" {
		t.Errorf("the server's audit log has %+v", e)
	}
	if r := run(server, rita, "call", "text.stats", `{"text": "a"}`); r.code != 7 || !strings.Contains(r.stderr, "uri:roster://person/rita has read; give the certificate's name that role") {
		t.Errorf("a call with a certificate of role read: %+v", r)
	}
	if r := run(server, as("nobody"), "ls", "plugins"); r.code != 7 || !strings.Contains(r.stderr, "uri:roster://person/nobody has none") {
		t.Errorf("a certificate without a role: %+v", r)
	}
	if r := run(server, []string{"--tls-ca", a.file}, "ls", "plugins"); r.code != 7 || !strings.Contains(r.stderr, "--tls-cert") {
		t.Errorf("without a certificate: %+v", r)
	}
	if r := run(server, nil, "ls", "plugins"); r.code != 4 || !strings.Contains(r.stderr, "--tls-ca") {
		t.Errorf("without the authority: %+v", r)
	}
	cert, key := newAuthority(t).sign(t, "roster://person/kim")
	if r := run(server, []string{"--tls-ca", a.file, "--tls-cert", cert, "--tls-key", key}, "ls", "plugins"); r.code != 4 {
		t.Errorf("a certificate of another authority: %+v", r)
	}
	if r := run(server, kim, "kill", "capability/absent", "--reason", "a test", "--force"); r.code != 0 {
		t.Errorf("a kill: %+v", r)
	}
	e = onlyEntry(t, auditFile(t, audit), func(e auditEntry) bool { return e.Action == "kill" })
	if e.Who != "uri:roster://person/kim" || e.Outcome != "allowed" || e.Target != "capability/absent" {
		t.Errorf("the server's audit log has %+v", e)
	}
	plain := &daemon{program: p.roster, url: strings.Replace(server.url, "https:", "http:", 1)}
	if r := plain.roster(t, "ls", "plugins"); r.code != 2 || !strings.Contains(r.stderr, "use https://") {
		t.Errorf("in the clear: %+v", r)
	}
}

// TestHostsCallEachOtherWithATokenThatTheyKeep: the token of a caller ends at the host that he calls; that one
// shows its own to the next, and without one it is refused there.
func TestHostsCallEachOtherWithATokenThatTheyKeep(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	folder := t.TempDir()
	tokens, audit := filepath.Join(folder, "tokens.json"), filepath.Join(folder, "audit.jsonl")
	caller, host := newToken(t, tokens, "oscar", "operate"), newToken(t, tokens, "host-client", "operate")
	config := func(more string) string {
		path := filepath.Join(t.TempDir(), "roster.yaml")
		if err := os.WriteFile(path, []byte("access:\n  tokens_file: "+tokens+"\n"+more), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	server := startDaemon(t, "--host", "server", "--plugins", p.plugins, "--config", config("  audit_file: "+audit+"\n"))
	known := startDaemon(t, "--host", "known", "--etcd", server.etcd, "--config", config("  peer_token_file: "+privateFile(t, host)+"\n"))
	stranger := startDaemon(t, "--host", "stranger", "--etcd", server.etcd, "--config", config(""))
	as := []string{"--token-file", privateFile(t, caller)}
	for _, d := range []*daemon{known, stranger} {
		eventually(t, time.Minute, "the host knows the server's", func() bool {
			return strings.Contains(d.roster(t, append([]string{"ls", "instances"}, as...)...).stdout, "markdown.render")
		})
	}
	call := append([]string{"call", "markdown.render", `{"markdown": "*hi*"}`}, as...)
	if r := known.roster(t, call...); r.code != 0 {
		t.Errorf("a host with a token: %+v", r)
	}
	if r := stranger.roster(t, call...); r.code == 0 {
		t.Errorf("a host without one: %+v", r)
	}
	entries := auditFile(t, audit)
	if e := onlyEntry(t, entries, func(e auditEntry) bool { return e.Outcome == "allowed" }); e.Who != "host-client" {
		t.Errorf("the server's audit log has %+v", e)
	}
	if e := onlyEntry(t, entries, func(e auditEntry) bool { return e.Outcome == "refused" }); e.Who != "" {
		t.Errorf("the server's audit log has %+v", e)
	}
	assertNoSecrets(t, server, folder, caller, host)
}

// TestAuditIsFollowed: new entries arrive while roster audit --follow runs.
func TestAuditIsFollowed(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, d.program, "audit", "--follow", "-o", "json")
	cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	lines := bufio.NewReader(out)
	for _, target := range []string{"capability/a", "capability/b"} {
		if r := d.roster(t, "kill", target, "--reason", "a test", "--force", "--by", "ann"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		var e auditEntry
		line, err := lines.ReadBytes('\n')
		if err != nil || json.Unmarshal(line, &e) != nil || e.Target != target {
			t.Fatalf("%q, %v; want an entry for %s", line, err, target)
		}
		if e.Who != "local" || e.Says != "ann" || e.Why != "a test" {
			t.Errorf("%+v", e)
		}
	}
}
