package access

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// newFile makes a file with a token of each role and returns the tokens by role.
func newFile(t *testing.T) (path string, tokens map[Role]string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tokens.json")
	tokens = make(map[Role]string)
	for _, role := range []Role{Read, Operate, Kill} {
		text, _, err := NewToken(path, "who-"+role.String(), role, time.Now(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		tokens[role] = text
	}
	return path, tokens
}

func open(t *testing.T, path string) *Tokens {
	t.Helper()
	tokens, err := OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTokensAreKeptAsHashes(t *testing.T) {
	t.Parallel()
	path, made := newFile(t)
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tokens := open(t, path)
	for role, token := range made {
		if len(token) != tokenLen || !strings.HasPrefix(token, "roster_") {
			t.Errorf("token %q", token)
		}
		if secret := token[len(TokenPrefix)+idLen+1:]; strings.Contains(string(text), secret[:8]) {
			t.Error("the file has the secret")
		}
		if got, err := tokens.check(token); err != nil || got.Role != role || got.Name != "who-"+role.String() {
			t.Errorf("check: %+v, %v", got, err)
		}
	}
}

// Each slip of one character is found without looking the token up, and a well-formed token that was never
// made is not good.
func TestSlipsAreFound(t *testing.T) {
	t.Parallel()
	path, made := newFile(t)
	tokens := open(t, path)
	token := made[Kill]
	for i := range token {
		for _, c := range []byte{'0', 'z', '_', ' ', 0} {
			if token[i] == c {
				continue
			}
			slip := token[:i] + string(rune(c)) + token[i+1:]
			if _, err := tokens.check(slip); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q at %d: %v", c, i, err)
			}
		}
	}
	for _, text := range []string{"", "roster_", token[1:], token + "0", token[:tokenLen-1], strings.Repeat("a", tokenLen)} {
		if _, err := tokens.check(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
	body := token[:len(TokenPrefix)+idLen+1] + randomText(secretLen)
	if _, err := tokens.check(body + checksum(body)); !errors.Is(err, ErrUnknownToken) {
		t.Errorf("another secret with a known id: %v", err)
	}
	foreign, _ := newToken()
	if _, err := tokens.check(foreign); !errors.Is(err, ErrUnknownToken) {
		t.Errorf("a token of nobody: %v", err)
	}
}

func TestRevokedAndExpiredTokensAreNotGood(t *testing.T) {
	t.Parallel()
	path, made := newFile(t)
	tokens := open(t, path)
	text, brief, err := NewToken(path, "brief", Kill, time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.check(text); err != nil {
		t.Errorf("a token that was made while the file is in use: %v", err)
	}
	tokens.now = func() time.Time { return brief.Expires }
	if got, err := tokens.check(text); !errors.Is(err, ErrExpired) || got.Name != "brief" {
		t.Errorf("when it has expired: %+v, %v", got, err)
	}
	if _, err := RevokeToken(path, "who-kill"); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.check(made[Kill]); !errors.Is(err, ErrUnknownToken) {
		t.Errorf("after it was revoked: %v", err)
	}
	if _, err := tokens.check(made[Read]); err != nil {
		t.Errorf("another one: %v", err)
	}
	if _, err := RevokeToken(path, "who-kill"); !errors.Is(err, ErrNoToken) {
		t.Errorf("revoked twice: %v", err)
	}
	for range 2 {
		if _, _, err := NewToken(path, "twin", Read, time.Now(), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := RevokeToken(path, "twin"); err == nil || !strings.Contains(err.Error(), "give the id") {
		t.Errorf("a name that two have: %v", err)
	}
}

// A file that cannot be trusted makes no token good, and a mended one all.
func TestFileThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	path, made := newFile(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tokens := open(t, path)
	broken := func(name string, breakIt func() error, says string) {
		if err := breakIt(); err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.check(made[Kill]); err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, ErrUnknownToken) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
		if _, err := OpenTokens(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: opening: %v", name, err)
		}
		if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, good, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.check(made[Kill]); err != nil {
			t.Errorf("%s: mended: %v", name, err)
		}
	}
	if runtime.GOOS != "windows" {
		broken("readable for others", func() error { return os.Chmod(path, 0o604) }, "chmod 600")
		broken("writable for the group", func() error { return os.Chmod(path, 0o620) }, "chmod 600")
	}
	broken("gone", func() error { return os.Remove(path) }, "roster token new")
	broken("a folder", func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "")
	for _, text := range []string{
		"", "{", `{"tokens": [{}]}`, `{"token": []}`, strings.Replace(string(good), `"kill"`, `"root"`, 1),
		strings.Replace(string(good), `"sha256": "`, `"sha256": "00`, 1), strings.Replace(string(good), "who-read", "who read", 1),
	} {
		broken("malformed", func() error { return os.WriteFile(path, []byte(text), 0o600) }, "")
	}
}

func TestChangesOfTheFileDoNotOvertakeEachOther(t *testing.T) {
	t.Parallel()
	path, _ := newFile(t)
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := NewToken(path, "a", Read, time.Now(), time.Time{})
	if err == nil || !strings.Contains(err.Error(), "rm "+path+".new") {
		t.Errorf("while another changes it: %v", err)
	}
	if tokens, err := ReadTokens(path); err != nil || len(tokens) != 3 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
	for _, name := range []string{"", "a b", "a\nb", "\u202e", strings.Repeat("a", maxName+1), "\xff"} {
		if _, _, err := NewToken(path, name, Read, time.Now(), time.Time{}); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
}

func TestRandomTextUsesEachCharacter(t *testing.T) {
	t.Parallel()
	seen := []byte(randomText(20_000))
	slices.Sort(seen)
	if got := string(slices.Compact(seen)); got != base62 {
		t.Errorf("characters %q", got)
	}
}

func FuzzParseToken(f *testing.F) {
	token, _ := newToken()
	for _, seed := range []string{token, token[:20], "roster_", "", strings.ToUpper(token)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseToken(text)
		if err != nil {
			return
		}
		if len(text) != tokenLen || len(id) != idLen || checksum(text[:tokenLen-sumLen]) != text[tokenLen-sumLen:] || !isBase62(id) {
			t.Errorf("%q was taken as a token with the id %q", text, id)
		}
		if strings.Contains(clean(text, maxText), text[len(TokenPrefix)+idLen+1:]) {
			t.Errorf("%q would be logged", text)
		}
	})
}

func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer a", "bearer  a ", "Bearer", "Bearer ", "Basic a", "BEARER a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := bearer(header)
		if ok && (token == "" || !strings.EqualFold(header[:7], "bearer ") || !strings.HasSuffix(strings.TrimRight(header, " "), token)) {
			t.Errorf("%q has the token %q", header, token)
		}
	})
}
