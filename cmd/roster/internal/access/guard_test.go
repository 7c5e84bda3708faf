package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A site is a guard before a few routes.
type site struct {
	*Guard

	handler http.Handler
	tokens  map[Role]string
	path    string // of the tokens
	served  *http.Request
	who     Identity
	answer  func(w http.ResponseWriter, r *http.Request) // of the routes; nil for 200
}

var siteTable = Table{
	"GET /open": {Role: Open}, "GET /read": {Role: Read}, "POST /operate": {Role: Operate, Action: "change"},
	"POST /call": {Role: Operate, Action: "call", Folded: true}, "POST /kill": {Role: Kill, Action: "kill", Told: true},
	"GET /console": {Role: Read}, LoginPagePattern: {Role: Open}, LoginPattern: {Role: Open}, LogoutPattern: {Role: Open},
}

func newSite(t *testing.T, change func(*Options)) *site {
	t.Helper()
	log, _ := testLog(t, maxLogFile)
	s := new(site)
	options := Options{Table: siteTable, Home: "/console", Log: log, Hosts: []string{"Roster.Example."}}
	s.path, s.tokens = newFile(t)
	options.Tokens = open(t, s.path)
	if change != nil {
		change(&options)
	}
	s.Guard = NewGuard(options)
	mux := new(Mux)
	s.Register(mux)
	for pattern := range siteTable {
		if strings.Contains(pattern, "/console/") {
			continue
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.served, s.who = r, Who(r.Context())
			if s.answer != nil {
				s.answer(w, r)
			}
		})
	}
	mux.HandleFunc("GET /forgotten", func(http.ResponseWriter, *http.Request) { t.Error("a route without a rule is served") })
	s.handler = s.Handler(mux, mux, func(*http.Request) bool { return false })
	return s
}

// ask makes a request; headers are pairs.
func (s *site) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	s.served, s.who = nil, Identity{}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost:7070"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	if from := r.Header.Get("Test-From"); from != "" {
		r.RemoteAddr = from
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *site) auth(role Role) []string { return []string{"Authorization", "Bearer " + s.tokens[role]} }

// Every role with every route, against what the numbers of the roles say.
func TestRolesIncludeEachOther(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for pattern, rule := range siteTable {
		method, path, _ := strings.Cut(pattern, " ")
		if strings.HasPrefix(path, "/console/") {
			continue
		}
		for role := range s.tokens {
			w := s.ask(method, path, "", s.auth(role)...)
			if want := role >= rule.Role; (s.served != nil) != want || (w.Code == http.StatusOK) != want {
				t.Errorf("%s with the role %s: %d, served %v", pattern, role, w.Code, s.served != nil)
			}
			var answer api.Error
			if role >= rule.Role {
				if rule.Role > Open && (s.who.Role != role || s.who.Name != "who-"+role.String()) {
					t.Errorf("%s: who is %+v", pattern, s.who)
				}
				if rule.Role > Open && s.served.Header.Get("Authorization") != "" {
					t.Errorf("%s: the handler gets the token", pattern)
				}
				continue
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Error.Needs != rule.Role.String() || !answer.Error.Access {
				t.Errorf("%s: %s", pattern, w.Body)
			}
		}
	}
	if w := s.ask(http.MethodGet, "/forgotten", "", s.auth(Kill)...); w.Code != http.StatusForbidden {
		t.Errorf("a route without a rule: %d", w.Code)
	}
	if w := s.ask(http.MethodGet, "/absent", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("a path that is not there, without a token: %d", w.Code)
	}
	if w := s.ask(http.MethodGet, "/absent", "", s.auth(Read)...); w.Code != http.StatusNotFound {
		t.Errorf("and with one: %d", w.Code)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Tokens = nil })
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "127.0.0.1:7070": true, "127.9.9.9": true, "[::1]:7070": true, "[::1]": true,
		"localhost.": true, "roster.example": true, "ROSTER.example.:443": true,
		"": false, "evil.example": false, "localhost.evil.example": false, "roster.example.evil": false, "127.0.0.1.nip.io": false,
		"10.0.0.1": false, "0.0.0.0": false, "::": false, "[": false, "a@localhost": false,
	} {
		w := s.ask(http.MethodGet, "/open", "", "Host", host)
		if got := w.Code == http.StatusOK; got != want || !got && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%q: %d", host, w.Code)
		}
	}
}

// Whatever is wrong with what should prove an identity, nothing is served, and a good one that comes second
// does not count.
func TestCredentialsThatAreNotGood(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	good := s.tokens[Kill]
	foreign, _ := newToken()
	for i, header := range []string{
		"", "Bearer", "Bearer ", good, "Basic " + good, "Bearer " + foreign, "Bearer " + good + "x", "Bearer " + good + ", Bearer " + good, "Bearer\t" + good,
	} {
		w := s.ask(http.MethodGet, "/read", "", "Authorization", header, "Test-From", fmt.Sprintf("10.0.0.%d:1", i))
		if w.Code != http.StatusUnauthorized || s.served != nil {
			t.Errorf("%q: %d", header, w.Code)
		}
		if strings.Contains(w.Body.String(), good[20:40]) {
			t.Errorf("%q: the answer has the token: %s", header, w.Body)
		}
	}
	if w := s.ask(http.MethodGet, "/read", "", "Authorization", "Bearer "+good, "Authorization", "Bearer "+good); w.Code != http.StatusUnauthorized {
		t.Errorf("two headers: %d", w.Code)
	}
	if w := s.ask(http.MethodGet, "/read", "", "Authorization", "bEARER  "+good+" "); w.Code != http.StatusOK {
		t.Errorf("another case and more spaces: %d", w.Code)
	}
	if err := os.Chmod(s.path, 0o644); err != nil {
		t.Fatal(err)
	}
	s.options.Logger = discard
	if w := s.ask(http.MethodGet, "/read", "", s.auth(Kill)...); w.Code != http.StatusServiceUnavailable || s.served != nil {
		t.Errorf("when others can read the file: %d", w.Code)
	}
}

// Failures are limited by address and by token, the answer says how long to wait, and a good token is served
// from wherever it comes.
func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	now := time.Now()
	s.addresses.now = func() time.Time { return now }
	s.ids.now = s.addresses.now
	bad, _ := newToken()
	for i := range failuresPerAddress {
		if w := s.ask(http.MethodGet, "/read", "", "Test-From", fmt.Sprintf("10.0.0.1:%d", i+1)); w.Code != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", i, w.Code)
		}
	}
	w := s.ask(http.MethodGet, "/read", "", "Test-From", "10.0.0.1:9")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "6" {
		t.Errorf("one more: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	for _, from := range []string{"10.0.0.1:9", "10.0.0.2:9"} {
		if w := s.ask(http.MethodGet, "/read", "", append(s.auth(Read), "Test-From", from)...); w.Code != http.StatusOK {
			t.Errorf("a good token from %s: %d", from, w.Code)
		}
	}
	if w := s.ask(http.MethodGet, "/read", "", "Test-From", "10.0.0.2:9"); w.Code != http.StatusUnauthorized {
		t.Errorf("another address: %d", w.Code)
	}
	now = now.Add(addressInterval)
	if w := s.ask(http.MethodGet, "/read", "", "Test-From", "10.0.0.1:9"); w.Code != http.StatusUnauthorized {
		t.Errorf("after the time that it says: %d", w.Code)
	}
	limited := 0
	for i := range failuresPerToken + 5 {
		from := fmt.Sprintf("10.1.0.%d:1", i)
		if w := s.ask(http.MethodGet, "/read", "", "Authorization", "Bearer "+bad, "Test-From", from); w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 5 {
		t.Errorf("%d of the failures of one token from many addresses were limited, want 5", limited)
	}
	for from, want := range map[string]string{
		"10.0.0.1:1": "10.0.0.1", "[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::ffff:1]:2": "2001:db8::/64", "[::ffff:10.0.0.1]:1": "10.0.0.1", "pipe": "pipe",
	} {
		if got := addressKey(from); got != want {
			t.Errorf("addressKey(%s) = %s, want %s", from, got, want)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(1, time.Second, func() time.Time { return now })
	for i := range 3 * maxFailing {
		l.fail(strconv.Itoa(i))
	}
	if n := len(l.failing); n > maxFailing {
		t.Errorf("%d addresses are remembered", n)
	}
	now = now.Add(2 * forgetFailing)
	l.fail("a")
	if n := len(l.failing); n > 1 {
		t.Errorf("%d addresses are remembered after %v", n, 2*forgetFailing)
	}
}

// What is done is written down before it is done, and what fails once more.
func TestActionsAreAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	last := func() Entry {
		t.Helper()
		entries := s.options.Log.Last(1)
		if len(entries) != 1 {
			t.Fatal("there is no entry")
		}
		return entries[0]
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		if e := last(); e.Action != "change" || e.Outcome != Allowed || e.Who != "who-operate" || e.Target != "/operate" {
			t.Errorf("before it is done: %+v", e)
		}
		api.WriteError(w, http.StatusConflict, api.ErrorDetail{Code: "aborted", Message: "it is newer"})
	}
	s.ask(http.MethodPost, "/operate", "", s.auth(Operate)...)
	if e := last(); e.Outcome != Failed || e.Error != "status 409: it is newer" {
		t.Errorf("afterwards: %+v", e)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if err := Record(r.Context(), Act{Action: "revive", Target: "capability/a", Why: "because", Says: "bob"}); err != nil {
			t.Error(err)
		}
		want := Entry{Who: "who-kill", Role: "kill", Says: "bob", Action: "revive", Target: "capability/a", Why: "because", From: r.RemoteAddr, Outcome: Allowed}
		if e := last(); e != (Entry{
			Time: e.Time, Who: want.Who, Role: want.Role, Says: want.Says, Action: want.Action, Target: want.Target, Why: want.Why,
			From: want.From, Outcome: want.Outcome,
		}) {
			t.Errorf("before the kill: %+v", e)
		}
		_, _ = w.Write([]byte("{}\n"))
		_ = http.NewResponseController(w).Flush()
		Fail(r.Context(), errors.New("not acknowledged"))
	}
	s.ask(http.MethodPost, "/kill", "", s.auth(Kill)...)
	if e := last(); e.Outcome != Failed || e.Error != "not acknowledged" || e.Target != "capability/a" {
		t.Errorf("after the kill: %+v", e)
	}
	s.answer = nil
	s.ask(http.MethodPost, "/kill", "", s.auth(Kill)...)
	if e := last(); e.Outcome != Allowed || e.Target != "/kill" {
		t.Errorf("a handler that tells nothing: %+v", e)
	}
	n := len(s.options.Log.Last(1000))
	s.ask(http.MethodGet, "/read", "", s.auth(Read)...)
	for range 10 {
		s.ask(http.MethodPost, "/call", "", s.auth(Operate)...)
	}
	if got := len(s.options.Log.Last(1000)) - n; got != 1 {
		t.Errorf("a read and ten calls are %d entries, want 1", got)
	}
}

// When the audit log cannot be written, changes are refused; calls and kills go on, and a kill says so.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	log := s.options.Log
	whole := log.file
	readOnly, err := os.Open(log.path)
	if err != nil {
		t.Fatal(err)
	}
	log.file = readOnly
	defer func() { log.file = whole; _ = readOnly.Close() }()
	if w := s.ask(http.MethodPost, "/operate", "", s.auth(Operate)...); w.Code != http.StatusServiceUnavailable || s.served != nil ||
		!strings.Contains(w.Body.String(), "audit log cannot be written") {
		t.Errorf("a change: %d %s", w.Code, w.Body)
	}
	if w := s.ask(http.MethodPost, "/call", "", s.auth(Operate)...); w.Code != http.StatusOK || s.served == nil {
		t.Errorf("a call: %d", w.Code)
	}
	var problem error
	s.answer = func(_ http.ResponseWriter, r *http.Request) { problem = Record(r.Context(), Act{Target: "a"}) }
	if w := s.ask(http.MethodPost, "/kill", "", s.auth(Kill)...); w.Code != http.StatusOK || problem == nil {
		t.Errorf("a kill: %d, its handler was told %v", w.Code, problem)
	}
	if w := s.ask(http.MethodPost, "/kill", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
}

// A browser's way: it is sent to sign in, comes back to where it was, and its session ends with the token.
func TestBrowserSignsIn(t *testing.T) {
	t.Parallel()
	for name, front := range map[string]bool{"in the clear": false, "behind TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(o *Options) { o.TLSEndsInFront = front })
			html := []string{"Accept", "text/html,application/xhtml+xml;q=0.9"}
			w := s.ask(http.MethodGet, "/console?a=b", "", html...)
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != LoginPath+"?next=%2Fconsole%3Fa%3Db" {
				t.Fatalf("without a session: %d to %s", w.Code, w.Header().Get("Location"))
			}
			w = s.ask(http.MethodGet, w.Header().Get("Location"), "", html...)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="next" value="/console?a=b"`) {
				t.Errorf("the page to sign in: %d %s", w.Code, w.Body)
			}
			signIn := func(token string) *httptest.ResponseRecorder {
				form := url.Values{"token": {" " + token + "\n"}, "next": {"/console?a=b"}}
				return s.ask(http.MethodPost, LoginPath, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
			}
			bad, _ := newToken()
			if w := signIn(bad); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), `role="alert"`) {
				t.Errorf("with a bad token: %d", w.Code)
			}
			w = signIn(s.tokens[Read])
			cookies := w.Result().Cookies()
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console?a=b" || len(cookies) != 1 {
				t.Fatalf("with a good one: %d to %s, cookies %v", w.Code, w.Header().Get("Location"), cookies)
			}
			c := cookies[0]
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != front || c.Path != "/" || c.Domain != "" ||
				strings.HasPrefix(c.Name, "__Host-") != front || time.Until(c.Expires) > SessionLife || strings.Contains(c.Value, s.tokens[Read]) {
				t.Errorf("the cookie is %+v", c)
			}
			session := []string{"Cookie", c.Name + "=" + c.Value, "Accept", "text/html"}
			if w := s.ask(http.MethodGet, "/console", "", session...); w.Code != http.StatusOK || s.who.Name != "who-read" || s.who.How != bySession {
				t.Errorf("with the session: %d, %+v", w.Code, s.who)
			}
			if w := s.ask(http.MethodPost, "/kill", "", session...); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "needs the role kill") {
				t.Errorf("more than its role: %d %s", w.Code, w.Body)
			}
			if w := s.ask(http.MethodPost, "/kill", "", append(session, "Sec-Fetch-Site", "cross-site")...); w.Code != http.StatusForbidden {
				t.Errorf("a page of another site: %d", w.Code)
			}
			other := s.ask(http.MethodGet, "/console", "", append(session, "Host", "localhost:7071")...)
			if other.Code != http.StatusSeeOther {
				t.Errorf("the cookie of another port is taken: %d", other.Code)
			}
			if _, err := RevokeToken(s.path, "who-read"); err != nil {
				t.Fatal(err)
			}
			if w := s.ask(http.MethodGet, "/console", "", session...); w.Code != http.StatusSeeOther {
				t.Errorf("after the token was revoked: %d", w.Code)
			}
		})
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	token, err := s.options.Tokens.check(s.tokens[Operate])
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.sessions.now = func() time.Time { return now }
	secret, _ := s.sessions.begin(token)
	use := func(secret string) int {
		return s.ask(http.MethodGet, "/read", "", "Cookie", "roster-session-7070="+secret).Code
	}
	if code := use(secret); code != http.StatusOK {
		t.Errorf("a new session: %d", code)
	}
	w := s.ask(http.MethodPost, LogoutPath, "", "Cookie", "roster-session-7070="+secret)
	if c := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("signing out: %d, %v", w.Code, c)
	}
	if code := use(secret); code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", code)
	}
	old, _ := s.sessions.begin(token)
	now = now.Add(time.Second)
	secret, _ = s.sessions.begin(token)
	now = now.Add(SessionLife - time.Second)
	if use(old) != http.StatusUnauthorized || use(secret) != http.StatusOK {
		t.Error("a session does not end when its time is over, or another one does")
	}
	for range 2 * sessionsPerToken {
		s.sessions.begin(token)
	}
	if n := len(s.sessions.byHash); n > sessionsPerToken {
		t.Errorf("%d sessions of one token", n)
	}
	for i := range 2 * maxSessions {
		s.sessions.begin(Token{ID: strconv.Itoa(i)})
	}
	if n := len(s.sessions.byHash); n > maxSessions {
		t.Errorf("%d sessions", n)
	}
	brief := token
	brief.Expires = now.Add(time.Minute)
	if _, expires := s.sessions.begin(brief); !expires.Equal(brief.Expires) {
		t.Errorf("a session outlives its token: until %v", expires)
	}
}

// Signing in leads nowhere else.
func TestSignInLeadsHere(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for next, want := range map[string]string{
		"/console/a?b=c": "/console/a?b=c", "/": "/", "/debug/registry": "/debug/registry",
	} {
		if got := s.localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	for _, next := range []string{
		"", "//", "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/%5cevil.example", "///evil.example", "javascript:alert(1)",
		"evil.example", "/a\nb", "/%0d%0aX: y", "http:/evil.example", "/%2f/evil.example", "//a@evil.example", LoginPath, " /a", "/\tevil",
	} {
		if got := s.localPath(next); got != "/console" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/a", "//a", "/\\a", "/%2fa", "/a?b=//c"} {
		f.Add(seed)
	}
	g := &Guard{options: Options{Home: "/"}}
	f.Fuzz(func(t *testing.T, next string) {
		got := g.localPath(next)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

// The policy of the pages names the style that is in them.
func TestPagesKeepToTheirPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, w := range []*httptest.ResponseRecorder{
		s.ask(http.MethodGet, LoginPath+"?next=%22%3E%3Cscript%3E", ""),
		s.ask(http.MethodPost, "/kill", "", append(s.auth(Read), "Accept", "text/html")...),
	} {
		_, rest, _ := strings.Cut(w.Body.String(), "<style>")
		style, _, ok := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		policy := w.Header().Get("Content-Security-Policy")
		if !ok || !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("the policy %q is not for the style of\n%s", policy, w.Body)
		}
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("the page has a script: %s", w.Body)
		}
	}
}

// On loopback without tokens everything works, is audited as local, and foreign pages are refused.
func TestOpenDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Tokens = nil })
	if w := s.ask(http.MethodPost, "/operate", "", "Authorization", "Bearer of-a-plugin"); w.Code != http.StatusOK || s.who.Name != "local" || s.who.Proved() ||
		s.served.Header.Get("Authorization") != "Bearer of-a-plugin" {
		t.Errorf("%d, %+v", w.Code, s.who)
	}
	if e := s.options.Log.Last(1); len(e) != 1 || e[0].Who != "local" || e[0].Action != "change" {
		t.Errorf("%+v", e)
	}
	if w := s.ask(http.MethodPost, "/kill", "", "Origin", "http://127.0.0.1:9"); w.Code != http.StatusForbidden || s.served != nil {
		t.Errorf("a page of another port: %d", w.Code)
	}
	if e := s.options.Log.Last(1); e[0].Who != "" || e[0].Outcome != Refused {
		t.Errorf("%+v", e)
	}
}

// What goes on ends with the token that began it, and a kill does not.
func TestStreamsEndWithTheirToken(t *testing.T) {
	t.Parallel()
	for path, ends := range map[string]bool{"GET /read": true, "POST /operate": true, "POST /kill": false} {
		s := newSite(t, nil)
		s.recheck = time.Millisecond
		method, path, _ := strings.Cut(path, " ")
		s.answer = func(_ http.ResponseWriter, r *http.Request) {
			if _, err := RevokeToken(s.path, "who-kill"); err != nil {
				t.Error(err)
			}
			limit := time.Minute
			if !ends {
				limit = 100 * time.Millisecond
			}
			select {
			case <-r.Context().Done():
			case <-time.After(limit):
			}
			if ended := r.Context().Err() != nil; ended != ends {
				t.Errorf("%s: ended %v", path, ended)
			}
		}
		if w := s.ask(method, path, "", s.auth(Kill)...); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// A stream whose token stays good goes on past several looks at it.
func TestStreamsGoOn(t *testing.T) {
	t.Parallel()
	looks := make(chan struct{})
	ctx, stop := whileGood(t.Context(), time.Millisecond, func() bool { looks <- struct{}{}; return true })
	for range 3 {
		<-looks
	}
	if ctx.Err() != nil {
		t.Error("it has ended")
	}
	go func() {
		for range looks { // a look that is under way ends
		}
	}()
	stop()
	if ctx.Err() == nil {
		t.Error("it goes on after it was stopped")
	}
}
