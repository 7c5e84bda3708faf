package consolepage

import (
	"net/http"
)

// contentPolicy lets a page load its own style, script and stream, send forms to itself, and
// nothing else; nobody may frame it.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded refuses forms that pages of other origins send, and sets the headers of every answer.
func guarded(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		RefuseForeign(w)
	}))
	protected := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		protected.ServeHTTP(w, r)
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// RefuseForeign answers a browser that sends what a page of another origin made.
func RefuseForeign(w http.ResponseWriter) {
	Refuse(w, http.StatusForbidden, "This request was refused",
		"A page of another site has sent it. Nothing was done. If you want to do it, open the console yourself and do it there.")
}

// Refuse answers a browser with a page that says what was refused, and why.
func Refuse(w http.ResponseWriter, status int, title, why string) {
	setHeaders(w.Header())
	writePage(w, status, "refused", struct{ Title, Why string }{title, why})
}
