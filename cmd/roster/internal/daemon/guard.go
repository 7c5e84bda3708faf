package daemon

import (
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// guard keeps web pages of other origins from using a browser on this machine
// to reach the daemon: it refuses requests for a host name that is not this
// machine's own (DNS rebinding), and requests from another origin that are not
// safe. Programs that are not browsers send neither.
func guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, status.Error(codes.PermissionDenied, "a web page of another origin may not call this daemon"))
	}))
	protected := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocalName(r.Host) {
			writeError(w, status.Errorf(codes.PermissionDenied,
				"the request is for the host %q; use localhost or a loopback address", r.Host))
			return
		}
		protected.ServeHTTP(w, r)
	})
}

func isLocalName(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
