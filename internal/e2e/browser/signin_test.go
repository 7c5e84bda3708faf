package browser_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newToken makes a token with the command line.
func newToken(t *testing.T, tokens, name, role string) string {
	t.Helper()
	roster, _ := buildPrograms(t)
	text, err := exec.CommandContext(t.Context(), roster, "token", "new", "--tokens", tokens, "--name", name, "--role", role).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// A browser is sent to sign in, comes back to the page it asked for, may do what its token may, signs
// out, and is out when the token is revoked.
func TestSignIn(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	rita, kim := newToken(t, tokens, "rita", "read"), newToken(t, tokens, "kim", "kill")
	d := startDaemon(t, "--tokens", tokens)
	b := newTab(t)
	signIn := func(token string) {
		t.Helper()
		b.fill("token", token)
		b.click("main form button")
	}
	b.open(d.url + "/console/kills")
	b.shows("h1", "Sign in")
	for _, look := range []struct {
		width  int64
		scheme string
	}{{390, "light"}, {390, "dark"}, {1280, "light"}, {1280, "dark"}} {
		b.size(look.width, look.scheme)
		if v := b.violations(); len(v) > 0 {
			t.Errorf("axe on the page to sign in, %d px, %s: %q", look.width, look.scheme, v)
		}
	}
	b.picture("sign-in-1280-dark")
	signIn(kim[:len(kim)-1])
	b.shows("#problem", "this is no token of roster")
	if v := b.violations(); len(v) > 0 {
		t.Errorf("axe after a slip: %q", v)
	}
	signIn(rita)
	b.shows("main", "Nothing was ever killed")
	if !b.holds(`location.pathname === "/console/kills" && document.cookie === ""`) {
		t.Error("signing in leads elsewhere, or a script can read the cookie")
	}

	// The form is there for everybody; the order takes the role.
	b.open(d.url + "/console/kill?target=plugin/markdown")
	b.fill("reason", "it leaks")
	b.click("main form button")
	b.shows("h1", "This request was refused")
	b.shows("body", "needs the role kill, and rita has read")
	if v := b.violations(); len(v) > 0 {
		t.Errorf("axe on the refusal: %q", v)
	}
	b.open(d.url + "/console/kills")
	b.click(".signed-in button")
	b.shows("h1", "Sign in")
	signIn(kim)
	b.until(`location.pathname === "/console" && document.readyState === "complete"`)
	b.shows("header", "signed in as kim")
	b.open(d.url + "/console/kill?target=plugin/markdown")
	b.fill("reason", "it leaks")
	b.click("main form button")
	b.shows("h1", "Kill plugin/markdown?")
	b.fill("confirm", "markdown")
	b.click("main form button")
	b.shows("#outcome", "acknowledged by all")
	b.open(d.url + "/console/audit")
	b.shows("main", "kim")
	b.shows("main", "it leaks")
	b.shows("main", "needs the role kill, and rita has read")
	b.local(d.url)

	d.roster(t, "token", "revoke", "kim", "--tokens", tokens)
	b.open(d.url + "/console/kills")
	b.shows("h1", "Sign in")
	if log := d.log.String(); strings.Contains(log, kim[16:40]) || strings.Contains(log, rita[16:40]) {
		t.Error("the log has the secret of a token")
	}
}
