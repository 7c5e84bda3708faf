package access

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A refusal is why a request is not served.
type refusal struct {
	status  int // HTTP
	problem string
	needs   Role          // that is missing, if it is about roles
	wait    time.Duration // before it is worth to try again
	signIn  bool          // a browser may sign in
}

// code is the gRPC code of the refusal.
func (f *refusal) code() codes.Code {
	switch f.status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	default:
		return codes.PermissionDenied
	}
}

func (f *refusal) codeName() string {
	switch f.code() {
	case codes.Unauthenticated:
		return "unauthenticated"
	case codes.ResourceExhausted:
		return "resource_exhausted"
	case codes.Unavailable:
		return "unavailable"
	default:
		return "permission_denied"
	}
}

// answer refuses a request in the form in which it came.
func (f *refusal) answer(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if f.wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	if f.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="roster"`)
	}
	switch contentType := r.Header.Get("Content-Type"); {
	case isRPC(contentType):
		// A response with nothing but headers (Trailers-Only in the protocol of gRPC).
		header.Set("Content-Type", contentType)
		header.Set("Grpc-Status", strconv.Itoa(int(f.code())))
		header.Set("Grpc-Message", url.PathEscape(f.problem))
		w.WriteHeader(http.StatusOK)
	case wantsPage(r):
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", pagePolicy)
		w.WriteHeader(f.status)
		_ = refusedPage.Execute(w, page{Style: pageStyle, Problem: f.problem, SignIn: f.signIn}) // who is gone needs no answer
	default:
		detail := api.ErrorDetail{Code: f.codeName(), Message: f.problem, Access: true}
		if f.needs > Open {
			detail.Needs = f.needs.String()
		}
		api.WriteError(w, f.status, detail)
	}
}

// isRPC tells gRPC and gRPC-Web by the content type.
func isRPC(contentType string) bool {
	return contentType == "application/grpc" || strings.HasPrefix(contentType, "application/grpc+") ||
		strings.HasPrefix(contentType, "application/grpc-web")
}

// wantsPage tells a browser that shows a page from everything else.
func wantsPage(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
			return true
		}
	}
	return false
}

// missingRole refuses somebody who is known and may not.
func missingRole(r *http.Request, who Identity, needs Role) *refusal {
	f := &refusal{status: http.StatusForbidden, needs: needs}
	f.problem = fmt.Sprintf("%s %s needs the role %s, and %s has %s; ", r.Method, r.URL.Path, needs, who.Name, who.Role)
	switch {
	case needs == None:
		f.needs = None
		f.problem = fmt.Sprintf("%s %s has no role in this daemon, so nobody may use it", r.Method, r.URL.Path)
	case who.How == byCertificate:
		f.problem += "give the certificate's name that role in access.certificates"
	default:
		f.problem += fmt.Sprintf("use a token with that role: roster token new --name NAME --role %s makes one", needs)
	}
	return f
}

// page is what the small pages of this package show.
type page struct {
	Style   template.CSS
	Problem string
	SignIn  bool
	Next    string
	Open    bool // nobody has to sign in
}

// errorMessage is the message in an answer with an error, or what there is instead.
func errorMessage(body string) string {
	var answer api.Error
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error.Message == "" {
		return strings.TrimSpace(body)
	}
	return answer.Error.Message
}
