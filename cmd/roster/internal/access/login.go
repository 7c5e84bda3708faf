package access

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Paths of signing in and out.
const (
	LoginPath  = "/console/login"
	LogoutPath = "/console/logout"
)

// The pattern of each handler that [Guard.Register] adds, for a [Table].
const (
	LoginPagePattern = "GET " + LoginPath
	LoginPattern     = "POST " + LoginPath
	LogoutPattern    = "POST " + LogoutPath
)

// formPatience bounds the time in which a sign-in arrives: its sender is not known yet.
const formPatience = 10 * time.Second

// maxForm limits the body of a sign-in, in bytes.
const maxForm = 8 << 10

// Register adds the handlers for signing in and out. Their rules are Open.
func (g *Guard) Register(mux *Mux) {
	mux.HandleFunc(LoginPagePattern, g.serveLoginPage)
	mux.HandleFunc(LoginPattern, g.serveLogin)
	mux.HandleFunc(LogoutPattern, g.serveLogout)
}

func (g *Guard) serveLoginPage(w http.ResponseWriter, r *http.Request) {
	g.loginPage(w, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (g *Guard) loginPage(w http.ResponseWriter, status int, next, problem string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_ = loginPage.Execute(w, page{Style: pageStyle, Problem: problem, Next: g.localPath(next), Open: g.options.Tokens == nil}) // likewise
}

// serveLogin takes a token and gives the browser a session.
func (g *Guard) serveLogin(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formPatience)) // what cannot have one has a test's body
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || g.options.Tokens == nil {
		g.loginPage(w, http.StatusBadRequest, "", "This form cannot be used.")
		return
	}
	next := r.PostForm.Get("next")
	text := strings.TrimSpace(r.PostForm.Get("token"))
	token, err := g.options.Tokens.check(text)
	if err != nil {
		f := g.failure(r, text, err)
		g.audit(r, Identity{Name: token.Name}, Rule{Action: "sign in"}, f)
		setRetry(w, f.wait)
		g.loginPage(w, f.status, next, f.problem)
		return
	}
	who := Identity{Name: token.Name, Role: token.Role, How: bySession}
	_ = g.options.Log.Fold(Entry{ // whoever could kill with the token may look at the page
		Who: who.Name, Role: who.Role.String(), Action: "sign in", Target: r.URL.Path, From: r.RemoteAddr, Outcome: Allowed,
	})
	if old, err := r.Cookie(g.cookieName(r)); err == nil {
		g.sessions.end(old.Value)
	}
	secret, expires := g.sessions.begin(token)
	http.SetCookie(w, g.cookie(r, secret, expires))
	http.Redirect(w, r, g.localPath(next), http.StatusSeeOther) //nolint:gosec // localPath leads nowhere else
}

// serveLogout ends the session.
func (g *Guard) serveLogout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(g.cookieName(r)); err == nil {
		g.sessions.end(c.Value)
	}
	gone := g.cookie(r, "", time.Unix(1, 0)) //nolint:gosec // what it takes away has the same attributes
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, LoginPath, http.StatusSeeOther)
}

// cookie is a session's. Scripts cannot read it, and no request from another site has it.
func (g *Guard) cookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	//nolint:gosec // Secure wherever there is TLS; browsers would not keep it on a loopback address otherwise
	return &http.Cookie{
		Name: g.cookieName(r), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: g.secure(r),
	}
}

// secure tells whether the browser's connection has TLS.
func (g *Guard) secure(r *http.Request) bool { return r.TLS != nil || g.options.TLSEndsInFront }

// cookieName differs for two daemons on one machine, since browsers do not tell ports apart. With TLS it
// has the prefix by which browsers keep other hosts of the domain from setting it.
func (g *Guard) cookieName(r *http.Request) string {
	name := "roster-session"
	if at := strings.LastIndexByte(r.Host, ':'); at >= 0 && isBase62(r.Host[at+1:]) {
		name += "-" + r.Host[at+1:]
	}
	if g.secure(r) {
		return "__Host-" + name
	}
	return name
}

// localPath is a path of this daemon to go to, whatever the address of the page says.
func (g *Guard) localPath(next string) string {
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) }
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, LoginPath) ||
		strings.ContainsFunc(next, odd) || strings.ContainsFunc(u.Path, odd) {
		return g.options.Home
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
