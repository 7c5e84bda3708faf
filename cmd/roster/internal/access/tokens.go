package access

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Why a token is refused.
var (
	ErrUnknownToken = errors.New("this daemon does not know the token, or it was revoked")
	ErrExpired      = errors.New("the token has expired; have another made with roster token new")
)

// Tokens are those of a file, as it is now. If the file cannot be used any more, because it is gone,
// malformed or open to others, no token is good: an old copy in memory might hold one that was
// revoked.
type Tokens struct {
	path string
	now  func() time.Time

	mu   sync.Mutex // guards the fields below
	seen fs.FileInfo
	byID map[string]keptToken
	err  error
}

type keptToken struct {
	Token

	hash hash
}

// OpenTokens reads a file of tokens.
func OpenTokens(path string) (*Tokens, error) {
	t := &Tokens{path: path, now: time.Now}
	_, err := t.current()
	return t, err
}

// current returns the tokens by their ids.
func (t *Tokens) current() (map[string]keptToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(t.path)
	if err == nil && t.seen != nil && sameVersion(info, t.seen) {
		return t.byID, t.err
	}
	tokens, info, err := readTokens(t.path)
	t.seen, t.err, t.byID = info, err, make(map[string]keptToken, len(tokens))
	for _, token := range tokens {
		kept := keptToken{Token: token}
		if _, err := hex.Decode(kept.hash[:], []byte(token.SHA256)); err != nil {
			continue // readTokens has checked it
		}
		t.byID[token.ID] = kept
	}
	return t.byID, t.err
}

// sameVersion tells whether a file is as it was. A change by this package makes another file of it.
func sameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}

// check returns the token that a text is. The token of an error has what is known of whose it would be.
func (t *Tokens) check(text string) (Token, error) {
	id, err := parseToken(text)
	if err != nil {
		return Token{}, err
	}
	byID, err := t.current()
	if err != nil {
		return Token{ID: id}, err
	}
	given := hashOf(text)
	kept, known := byID[id]
	// The id is no secret; whether it is known may show in the time, the rest does not.
	if subtle.ConstantTimeCompare(given[:], kept.hash[:]) != 1 || !known {
		return Token{ID: id}, ErrUnknownToken
	}
	return t.unlessExpired(kept.Token)
}

// byIDNow returns a token that was checked before, if it is still good.
func (t *Tokens) byIDNow(id, sum string) (Token, error) {
	byID, err := t.current()
	if err != nil {
		return Token{ID: id}, err
	}
	kept, known := byID[id]
	if !known || kept.SHA256 != sum {
		return Token{ID: id}, ErrUnknownToken
	}
	return t.unlessExpired(kept.Token)
}

func (t *Tokens) unlessExpired(token Token) (Token, error) {
	if token.Expired(t.now()) {
		return token, ErrExpired
	}
	return token, nil
}
