package access

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"strings"
	"time"
)

// A token is
//
//	roster_ID_SECRETSUM
//
// ID has 8 characters and is no secret: it finds the token in the file, and names it in `roster
// token ls`. SECRET has 43 characters of base 62, which is 256 bits. SUM is the CRC-32 of all before
// it in 6 characters of base 62, so that a slip is told from a token that is not known, and a scanner
// for secrets needs no network to be sure of a find.
const (
	// TokenPrefix begins every token.
	TokenPrefix = "roster_"

	idLen     = 8
	secretLen = 43
	sumLen    = 6
	tokenLen  = len(TokenPrefix) + idLen + 1 + secretLen + sumLen
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ErrMalformed reports a text that is no token: something is missing, or there is a slip in it.
var ErrMalformed = errors.New("this is no token of roster: it is cut short, or there is a slip in it; copy it again")

// A hash is what is kept of a token: its SHA-256. Functions that are slow on purpose, and salts, are
// for what people can remember and others guess; nobody guesses 256 random bits, however fast he can
// try, and a fast function lets every request be checked.
type hash [sha256.Size]byte

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

// newToken draws a token.
func newToken() (token, id string) {
	id = randomText(idLen)
	text := TokenPrefix + id + "_" + randomText(secretLen)
	return text + checksum(text), id
}

// randomText draws n characters, each with equal chances.
func randomText(n int) string {
	const fair = 256 - 256%len(base62)
	text := make([]byte, 0, n)
	var draw [64]byte
	for len(text) < n {
		_, _ = rand.Read(draw[:]) // it never fails
		for _, b := range draw {
			if int(b) < fair && len(text) < n {
				text = append(text, base62[int(b)%len(base62)])
			}
		}
	}
	return string(text)
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [sumLen]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(out[:])
}

// parseToken returns the ID of a well-formed token.
func parseToken(token string) (id string, err error) {
	if len(token) != tokenLen || !strings.HasPrefix(token, TokenPrefix) {
		return "", ErrMalformed
	}
	body, sum := token[:tokenLen-sumLen], token[tokenLen-sumLen:]
	if checksum(body) != sum {
		return "", ErrMalformed
	}
	id, secret, _ := strings.Cut(body[len(TokenPrefix):], "_")
	if len(id) != idLen || !isBase62(id) || !isBase62(secret) {
		return "", ErrMalformed
	}
	return id, nil
}

func isBase62(s string) bool {
	for i := range len(s) {
		if strings.IndexByte(base62, s[i]) < 0 {
			return false
		}
	}
	return true
}

// bearer returns the token of an Authorization header (RFC 6750), and whether there is one. The
// scheme is read without regard to case.
func bearer(header string) (token string, ok bool) {
	const scheme = "bearer"
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	token = strings.Trim(header[len(scheme):], " ")
	return token, header[len(scheme)] == ' ' && token != ""
}

// CheckToken returns [ErrMalformed] unless the text has the form of a token.
func CheckToken(token string) error {
	_, err := parseToken(token)
	return err
}

// A Token is what the file of tokens has of one of them.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"` // of who uses it
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero for never
	SHA256  string    `json:"sha256,omitempty"` // in hexadecimal
}

// Expired tells whether the token has expired at a time.
func (t *Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }
