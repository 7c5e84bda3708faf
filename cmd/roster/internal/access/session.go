package access

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Limits of sessions.
const (
	// SessionLife is how long a browser stays signed in, whatever it does.
	SessionLife = 12 * time.Hour
	// maxSessions is how many there are; beyond it the oldest of the token that signs in ends, or
	// else the oldest of all.
	maxSessions = 1000
	// sessionsPerToken keeps one token from ending the sessions of others.
	sessionsPerToken = 50
)

// sessions are the browsers that are signed in. They are kept in memory: a restart signs all out.
// Only hashes of what the cookies have are kept.
type sessions struct {
	now func() time.Time

	mu     sync.Mutex // guards byHash
	byHash map[hash]session
}

type session struct {
	token   string // the id
	sum     string // of the token, so that another one with the same id is not taken for it
	expires time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byHash: make(map[hash]session)}
}

// begin starts a session of a token that was checked, and returns the value of its cookie.
func (s *sessions) begin(token Token) (secret string, expires time.Time) {
	secret = randomText(secretLen)
	expires = s.now().Add(SessionLife)
	if !token.Expires.IsZero() && token.Expires.Before(expires) {
		expires = token.Expires
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(token.ID)
	s.byHash[hashOf(secret)] = session{token: token.ID, sum: token.SHA256, expires: expires}
	return secret, expires
}

// get returns a session by the value of its cookie. The map is searched by a hash of that, so that the
// time it takes says nothing about the secret.
func (s *sessions) get(secret string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hashOf(secret)
	found, ok := s.byHash[key]
	if ok && !s.now().Before(found.expires) {
		delete(s.byHash, key)
		return session{}, false
	}
	return found, ok
}

func (s *sessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byHash, hashOf(secret))
}

// makeRoom ends sessions that are over, and the oldest ones beyond the limits. The caller holds mu.
func (s *sessions) makeRoom(token string) {
	now := s.now()
	var all, own []hash
	for key, one := range s.byHash {
		switch {
		case !now.Before(one.expires):
			delete(s.byHash, key)
			continue
		case one.token == token:
			own = append(own, key)
		}
		all = append(all, key)
	}
	for _, full := range []struct {
		keys  []hash
		limit int
	}{{own, sessionsPerToken}, {all, maxSessions}} {
		if len(full.keys) < full.limit {
			continue
		}
		oldest := slices.MinFunc(full.keys, func(a, b hash) int {
			return cmp.Compare(s.byHash[a].expires.UnixNano(), s.byHash[b].expires.UnixNano())
		})
		delete(s.byHash, oldest)
		return
	}
}
