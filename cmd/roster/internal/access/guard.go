package access

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// Options are those of a [Guard].
type Options struct {
	// Table has the rule of each route.
	Table Table
	// Tokens are those that are good; nil if there are none.
	Tokens *Tokens
	// Certificates have the roles of verified client certificates; nil if there are none. Without
	// tokens and certificates nobody is asked who he is, and everybody may do everything: that is
	// for loopback addresses.
	Certificates Certificates
	// Hosts are names under which the daemon may be asked for, besides those of the loopback
	// addresses and the address of each connection.
	Hosts []string
	// TLSEndsInFront means that something in front of the daemon ends TLS.
	TLSEndsInFront bool
	// Home is the path that a browser goes to after it signed in.
	Home string
	// Log is the audit log.
	Log *Log
	// Logger is for what goes wrong.
	Logger *slog.Logger
}

// A Guard stands before the handlers of a daemon.
type Guard struct {
	options     Options
	hosts       hosts
	crossOrigin *http.CrossOriginProtection
	sessions    *sessions
	addresses   *limiter
	ids         *limiter
	complaints  rate.Sometimes
	recheck     time.Duration // how often what goes on is asked whether it still may
}

// NewGuard makes a guard.
func NewGuard(options Options) *Guard {
	g := &Guard{
		options: options, crossOrigin: http.NewCrossOriginProtection(), sessions: newSessions(time.Now),
		addresses: newLimiter(failuresPerAddress, addressInterval, time.Now),
		ids:       newLimiter(failuresPerToken, tokenInterval, time.Now), recheck: recheckInterval,
		complaints: rate.Sometimes{First: 1, Interval: time.Minute},
	}
	for _, host := range options.Hosts {
		g.hosts = append(g.hosts, hostOf(host))
	}
	return g
}

// open tells whether nobody is asked who he is.
func (g *Guard) open() bool { return g.options.Tokens == nil && g.options.Certificates == nil }

// Handler serves with next what the rules allow, and refuses everything else. The rule of a request is
// that of its pattern in mux, or that of its gRPC method if isRPCPath says so.
func (g *Guard) Handler(mux *Mux, next http.Handler, isRPCPath func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rpc := isRPCPath(r)
		rule := g.options.Table.rule(mux, r, rpc)
		if f := g.foreign(r); f != nil {
			who, _ := g.identify(r)
			if who.How == asLocal {
				who = Identity{}
			}
			g.refuse(w, r, who, rule, f)
			return
		}
		if rule.Role == Open {
			next.ServeHTTP(w, r)
			return
		}
		who, f := g.identify(r)
		switch {
		case f != nil && f.wait == 0 && g.maySignIn(r):
			g.audit(r, who, rule, f)
			http.Redirect(w, r, LoginPath+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case f == nil && (rule.Role == None || who.Role < rule.Role):
			f = missingRole(r, who, rule.Role)
			f.signIn = g.options.Tokens != nil
		}
		if f != nil {
			g.refuse(w, r, who, rule, f)
			return
		}
		// They are for the daemon, and no plugin's business.
		if who.How == byToken {
			r.Header.Del("Authorization")
		}
		if g.options.Tokens != nil {
			r.Header.Del("Cookie")
		}
		g.serve(w, r, next, &request{
			log: g.options.Log, identity: who, rule: rule, action: rule.action(r), path: r.URL.Path, from: r.RemoteAddr,
			rpc: rpc,
		})
	})
}

// foreign refuses requests that a web page of somebody else has a browser make.
func (g *Guard) foreign(r *http.Request) *refusal {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !g.hosts.has(r.Host, local) {
		return &refusal{status: http.StatusMisdirectedRequest, problem: "the request is for the host " + strconv.Quote(clean(r.Host, maxField)) +
			"; use localhost or a loopback address, or add the name to access.hosts"}
	}
	if g.crossOrigin.Check(r) != nil {
		return &refusal{status: http.StatusForbidden, problem: "a web page of another origin may not call this daemon; " +
			"if it was you, open the console and do it there"}
	}
	return nil
}

// identify finds out who makes a request, by a token, a session or a certificate, in this order. A
// token that is given decides alone; a session that is over counts as none.
func (g *Guard) identify(r *http.Request) (Identity, *refusal) {
	if g.open() {
		return Identity{Name: "local", Role: Kill, How: asLocal}, nil
	}
	if g.options.Tokens != nil {
		if header := r.Header.Values("Authorization"); len(header) > 0 {
			return g.byToken(r, header)
		}
		if c, err := r.Cookie(g.cookieName(r)); err == nil {
			if who, ok := g.bySession(c.Value); ok {
				return who, nil
			}
		}
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 && g.options.Certificates != nil {
		cert := r.TLS.VerifiedChains[0][0]
		who := g.options.Certificates.identify(cert)
		who.still = func() bool { return time.Now().Before(cert.NotAfter) } // a connection may outlive it
		if !who.still() {
			return Identity{Name: who.Name}, g.failure(r, "", errExpired)
		}
		return who, nil
	}
	return Identity{}, g.failure(r, "", errNoIdentity)
}

// errNoIdentity is why a request without an identity is refused.
var errNoIdentity = errors.New("this daemon asks who you are: give a token with --token-file FILE or $ROSTER_TOKEN (roster token new makes one), " +
	"or a client certificate with --tls-cert and --tls-key")

var errExpired = errors.New("the client certificate has expired since the connection was made; connect with a new one")

var errHeader = errors.New("the Authorization header is not Bearer and a token")

func (g *Guard) byToken(r *http.Request, header []string) (Identity, *refusal) {
	text, ok := bearer(header[0])
	if !ok || len(header) > 1 {
		return Identity{}, g.failure(r, "", errHeader)
	}
	token, err := g.options.Tokens.check(text)
	if err != nil {
		return Identity{Name: token.Name}, g.failure(r, text, err)
	}
	return Identity{Name: token.Name, Role: token.Role, How: byToken, still: func() bool {
		now, err := g.options.Tokens.byIDNow(token.ID, token.SHA256)
		return err == nil && now.Role >= token.Role
	}}, nil
}

// bySession returns whose token began a session. A token that was revoked, or has expired, ends it.
func (g *Guard) bySession(secret string) (Identity, bool) {
	s, ok := g.sessions.get(secret)
	if !ok {
		return Identity{}, false
	}
	token, err := g.options.Tokens.byIDNow(s.token, s.sum)
	if err != nil {
		g.sessions.end(secret)
		return Identity{}, false
	}
	return Identity{Name: token.Name, Role: token.Role, How: bySession, still: func() bool {
		if _, ok := g.sessions.get(secret); !ok {
			return false
		}
		now, err := g.options.Tokens.byIDNow(s.token, s.sum)
		return err == nil && now.Role >= token.Role
	}}, true
}

// failure refuses a request that does not prove an identity, and counts it.
func (g *Guard) failure(r *http.Request, text string, err error) *refusal {
	f := &refusal{status: http.StatusUnauthorized, problem: err.Error(), signIn: g.options.Tokens != nil}
	if file, ok := errors.AsType[*FileError](err); ok {
		g.complaints.Do(func() { g.options.Logger.Error("no token is good, since their file cannot be used", "error", file) })
		f.status = http.StatusServiceUnavailable
		f.problem = "no token is good, since the daemon cannot use its file of tokens; its log says why"
		return f
	}
	f.wait = g.addresses.fail(addressKey(r.RemoteAddr))
	if id, err := parseToken(text); err == nil {
		f.wait = max(f.wait, g.ids.fail(id))
	}
	if f.wait > 0 {
		f.status = http.StatusTooManyRequests
		f.problem = "too many requests have failed: " + f.problem
	}
	return f
}

// maySignIn tells a browser that shows a page, and has no session, from everything else.
func (g *Guard) maySignIn(r *http.Request) bool {
	return g.options.Tokens != nil && wantsPage(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Authorization") == ""
}

// refuse answers and writes it down.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, who Identity, rule Rule, f *refusal) {
	g.audit(r, who, rule, f)
	f.answer(w, r)
}

func (g *Guard) audit(r *http.Request, who Identity, rule Rule, f *refusal) {
	e := Entry{
		Who: who.Name, Role: who.Role.String(), Action: rule.action(r), Target: r.URL.Path,
		From: r.RemoteAddr, Outcome: Refused, Error: f.problem,
	}
	if f.status == http.StatusTooManyRequests {
		e.Target = "many requests" // the caller chooses what he asks for
	}
	_ = g.options.Log.Fold(e) // it is refused all the same, and the log has said it
}

// serve hands an allowed request on.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, next http.Handler, q *request) {
	if q.identity.still != nil && q.rule.Role < Kill { // a kill is not interrupted half way
		ctx, stop := whileGood(r.Context(), g.recheck, q.identity.still)
		defer stop()
		r = r.WithContext(ctx)
	}
	if !q.rule.changes() {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
		return
	}
	switch {
	case q.rule.Folded:
		// Calls go on when the audit log cannot be written: to serve them is what the fleet is for,
		// and a full disk must not end that.
		_ = q.log.Fold(q.entry(Allowed, ""))
	case !q.rule.Told:
		if err := q.log.Write(q.entry(Allowed, ""), q.rule.Role >= Kill); err != nil && q.rule.Role < Kill {
			f := &refusal{status: http.StatusServiceUnavailable, problem: err.Error()}
			f.answer(w, r)
			return
		}
	}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
	if q.rpc && isRPC(r.Header.Get("Content-Type")) {
		next.ServeHTTP(w, r) // how it ends is in trailers
		return
	}
	seen := &answerRecorder{ResponseWriter: w, keep: !q.rule.Folded}
	next.ServeHTTP(seen, r)
	g.finish(q, seen)
}

// finish writes down what failed, and what a handler did without telling.
func (g *Guard) finish(q *request, seen *answerRecorder) {
	q.mu.Lock()
	told, err := q.recorded, q.err
	q.mu.Unlock()
	switch {
	case err != nil:
		_ = q.log.Write(q.entry(Failed, err.Error()), false) // what follows an entry that is written is not waited for
	case seen.failed() && q.rule.Folded:
		_ = q.log.Fold(q.entry(Failed, seen.problem())) // likewise
	case seen.failed():
		_ = q.log.Write(q.entry(Failed, seen.problem()), false) // likewise
	case q.rule.Told && !told:
		_ = q.log.Write(q.entry(Allowed, ""), false) // likewise
	}
}

func setRetry(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}
