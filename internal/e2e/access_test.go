package e2e_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

// newToken makes a token with the command line, in a file that is made with the first one.
func newToken(t *testing.T, tokens, name, role string, more ...string) string {
	t.Helper()
	d := &daemon{program: buildPrograms(t).roster}
	r := d.roster(t, append([]string{"token", "new", "--tokens", tokens, "--name", name, "--role", role}, more...)...)
	if r.code != 0 {
		t.Fatalf("roster token new: %+v", r)
	}
	return strings.TrimSpace(r.stdout)
}

// An asking is a request that a test makes; the change is made to it before it goes out.
type asking struct {
	method, path, body, token string
	change                    func(*http.Request)
}

func (d *daemon) ask(t *testing.T, client *http.Client, a asking) (code int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), a.method, d.url+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.change != nil {
		a.change(req)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// noRedirect is a client that shows redirects, as a test of a browser's steps wants.
var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// An auditEntry is a line of the audit log, read without the code that wrote it.
type auditEntry struct {
	Time, Who, Role, Says, Action, Target, Why, From, Outcome, Error string
	Count                                                            int
}

// auditFile reads the file of the audit log.
func auditFile(t *testing.T, path string) []auditEntry {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var entries []auditEntry
	for line := range strings.Lines(string(text)) {
		var e auditEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %q of the audit log: %v", line, err)
		}
		entries = append(entries, e)
	}
	return entries
}

// only returns the entries that a test looks for, and fails it unless there is one.
func onlyEntry(t *testing.T, entries []auditEntry, wanted func(e auditEntry) bool) auditEntry {
	t.Helper()
	var found []auditEntry
	for _, e := range entries {
		if wanted(e) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d entries instead of one, among\n%+v", len(found), entries)
	}
	return found[0]
}

const killBody = `{"target": "capability/text.stats", "reason": "a test", "force": true, "by": "somebody else"}`

// TestForgedKillsAreRefusedAndAudited: each way to get at the kill button without the right to is refused, has a
// line in the audit log, and kills nothing. The same order with a token for it then goes out.
func TestForgedKillsAreRefusedAndAudited(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tokens, audit := filepath.Join(folder, "tokens.json"), filepath.Join(folder, "audit.jsonl")
	reader, operator, killer := newToken(t, tokens, "rita", "read"), newToken(t, tokens, "oscar", "operate"), newToken(t, tokens, "kim", "kill")
	config := filepath.Join(folder, "roster.yaml")
	if err := os.WriteFile(config, []byte("access:\n  tokens_file: "+tokens+"\n  audit_file: "+audit+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, "--config", config)
	form := url.Values{"target": {"capability/text.stats"}, "reason": {"a test"}, "name": {"text.stats"}, "by": {"eve"}, "force": {"1"}}.Encode()
	session := d.signIn(t, killer)
	for name, c := range map[string]struct {
		asking

		status int
		who    string
		says   string // part of the error in the audit log
	}{
		"a forged cross-site form": {asking{body: form, token: killer, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://evil.example")
		}}, http.StatusForbidden, "kim", "another origin"},
		"the console's form, forged, with the cookie of somebody who is signed in": {asking{path: "/console/kill/order", body: form, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			r.AddCookie(session)
		}}, http.StatusForbidden, "kim", "another origin"},
		"the console's form without a session": {asking{path: "/console/kill/order", body: form, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", d.url)
		}}, http.StatusUnauthorized, "", "who you are"},
		"a form of an old browser": {asking{body: form, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "http://127.0.0.1:1")
		}}, http.StatusForbidden, "", "another origin"},
		"a foreign Host header": {asking{body: killBody, token: killer, change: func(r *http.Request) { r.Host = "evil.example" }},
			http.StatusMisdirectedRequest, "kim", `host "evil.example"`},
		"a read-only token":   {asking{body: killBody, token: reader}, http.StatusForbidden, "rita", "needs the role kill, and rita has read"},
		"an operator's token": {asking{body: killBody, token: operator}, http.StatusForbidden, "oscar", "needs the role kill, and oscar has operate"},
		"no token":            {asking{body: killBody}, http.StatusUnauthorized, "", "who you are"},
		"a token with a slip": {asking{body: killBody, token: killer[:len(killer)-1] + "!"}, http.StatusUnauthorized, "", "slip"},
	} {
		c.method, c.path = http.MethodPost, cmp.Or(c.path, "/v1/kills")
		code, header, body := d.ask(t, http.DefaultClient, c.asking)
		if code != c.status || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s, want %d", name, code, body, c.status)
		}
		if (code == http.StatusUnauthorized) != (header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: WWW-Authenticate is %q", name, header.Get("WWW-Authenticate"))
		}
		e := onlyEntry(t, auditFile(t, audit), func(e auditEntry) bool {
			return strings.Contains(e.Error, c.says) && e.Who == c.who && e.Target == c.path
		})
		if e.Outcome != "refused" || e.Action != "kill" || !strings.HasPrefix(e.From, "127.0.0.1:") || e.Time == "" {
			t.Errorf("%s: the audit log has %+v", name, e)
		}
	}
	if r := d.roster(t, "call", "text.stats", `{"text": "a"}`, "--token-file", privateFile(t, operator)); r.code != 0 {
		t.Errorf("something was killed: %+v", r)
	}

	code, _, body := d.ask(t, http.DefaultClient, asking{method: http.MethodPost, path: "/v1/kills", body: killBody, token: killer})
	if code != http.StatusOK || !strings.Contains(body, `"by":"kim"`) || strings.Contains(body, "somebody else") {
		t.Errorf("a token of role kill: %d %s", code, body)
	}
	e := onlyEntry(t, auditFile(t, audit), func(e auditEntry) bool { return e.Outcome == "allowed" && e.Action == "kill" })
	if e.Who != "kim" || e.Role != "kill" || e.Target != "capability/text.stats" || e.Why != "a test" || e.Says != "somebody else" {
		t.Errorf("the audit log has %+v", e)
	}
	if r := d.roster(t, "call", "text.stats", `{"text": "a"}`, "--token-file", privateFile(t, operator)); !strings.Contains(r.stderr, "killed by kim") {
		t.Errorf("it is not killed: %+v", r)
	}
	if info, err := os.Stat(audit); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the audit log has the mode %v, %v", info.Mode(), err)
	}
	assertNoSecrets(t, d, folder, reader, operator, killer)
}

// signIn returns the cookie of a browser that signs in.
func (d *daemon) signIn(t *testing.T, token string) *http.Cookie {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/console/login", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", d.url)
	res, err := noRedirect.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if len(res.Cookies()) != 1 {
		t.Fatalf("signing in: %s, cookies %v", res.Status, res.Cookies())
	}
	return res.Cookies()[0]
}

// privateFile is a file with a token that nobody else can read.
func privateFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// assertNoSecrets looks for tokens in what a daemon logged, and in the files that it has.
func assertNoSecrets(t *testing.T, d *daemon, folder string, tokens ...string) {
	t.Helper()
	texts := map[string]string{"the log": d.log.String()}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 2 {
		t.Fatalf("only %d texts were found", len(texts))
	}
	for name, text := range texts {
		for _, token := range tokens {
			secret := token[strings.LastIndexByte(token, '_')+1:]
			if strings.Contains(text, secret) || strings.Contains(text, secret[:20]) {
				t.Errorf("%s has the secret of a token", name)
			}
		}
	}
}

// TestTokensOverGRPC: gRPC and Connect are held to the same roles, and refuse in their own form.
func TestTokensOverGRPC(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tokens := filepath.Join(folder, "tokens.json")
	reader, operator := newToken(t, tokens, "rita", "read"), newToken(t, tokens, "oscar", "operate")
	d := startDaemon(t, "--tokens", tokens)
	conn, err := grpc.NewClient(strings.TrimPrefix(d.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := rosterv1.NewCapabilityServiceClient(conn)
	with := func(token string) context.Context {
		if token == "" {
			return t.Context()
		}
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	}
	for name, c := range map[string]struct {
		token             string
		list, call, other codes.Code
	}{
		"no token":    {"", codes.Unauthenticated, codes.Unauthenticated, codes.Unauthenticated},
		"a bad token": {"roster_x", codes.Unauthenticated, codes.Unauthenticated, codes.Unauthenticated},
		"read":        {reader, codes.OK, codes.PermissionDenied, codes.PermissionDenied},
		"operate":     {operator, codes.OK, codes.OK, codes.NotFound},
	} {
		_, err := client.List(with(c.token), &rosterv1.ListRequest{})
		if status.Code(err) != c.list {
			t.Errorf("%s: List: %v, want %v", name, err, c.list)
		}
		_, err = client.Call(with(c.token), &rosterv1.CallRequest{Capability: "text.stats", Input: []byte(`{"text": "a"}`)})
		if status.Code(err) != c.call {
			t.Errorf("%s: Call: %v, want %v", name, err, c.call)
		}
		if c.call == codes.PermissionDenied && !strings.Contains(err.Error(), "needs the role operate, and rita has read") {
			t.Errorf("%s: Call: %v, which does not say the role", name, err)
		}
		err = conn.Invoke(with(c.token), "/absent.Service/Method", &rosterv1.ListRequest{}, &rosterv1.ListResponse{})
		if status.Code(err) != c.other {
			t.Errorf("%s: a method of a capability: %v, want %v", name, err, c.other)
		}
	}
	for token, want := range map[string]string{"": "unauthenticated", reader: "permission_denied"} {
		code, _, body := d.ask(t, http.DefaultClient, asking{
			method: http.MethodPost, path: "/roster.v1.CapabilityService/Call", body: `{"capability": "text.stats"}`, token: token,
			change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		})
		if code == http.StatusOK || !strings.HasPrefix(body, `{"code":"`+want+`"`) {
			t.Errorf("Connect with %.12q: %d %s", token, code, body)
		}
	}
	assertNoSecrets(t, d, folder, reader, operator)
}
