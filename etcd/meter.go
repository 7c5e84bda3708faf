package etcd

import (
	"sync"
	"time"

	"github.com/roster-go/roster/discovery"
)

// A meter keeps what the watch of a backend reports about itself. It is safe for
// concurrent use.
type meter struct {
	mu     sync.Mutex // guards the fields below
	counts discovery.WatchStatus
	synced bool      // at least once
	asked  time.Time // when the question was put that is still to be answered; zero if there is none
}

func (m *meter) status() discovery.WatchStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	status := m.counts
	if !m.asked.IsZero() {
		status.Lag = max(status.Lag, time.Since(m.asked))
	}
	return status
}

// Asked notes a question that was put at a time, unless an older one is unanswered.
func (m *meter) Asked(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked.IsZero() {
		m.asked = at
	}
}

// Confirmed notes that the revision asked for at a time has been delivered.
func (m *meter) Confirmed(asked time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Lag = time.Since(asked)
	m.asked = time.Time{}
	m.counts.Contact = true
}

// Lost notes that contact was lost.
func (m *meter) Lost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Contact = false
	if m.asked.IsZero() {
		m.asked = time.Now()
	}
}

// Found notes that the store answers: with a full read, or by the proof that the watch can
// continue.
func (m *meter) Found(resumed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.synced {
		m.counts.Reconnects++
		if resumed {
			m.counts.Resumes++
		} else {
			m.counts.Resyncs++
		}
	}
	m.synced = true
	m.counts.Contact = true
}

// Ended notes that nobody watches any more.
func (m *meter) Ended() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced, m.asked = false, time.Time{}
	m.counts.Contact, m.counts.Lag = false, 0
}

// Relisted notes that everything was read again to make sure.
func (m *meter) Relisted() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Resyncs++
	m.counts.Relists++
}

// Restored notes that the store turned out to be another.
func (m *meter) Restored() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Restores++
}

func (m *meter) skipped() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Skipped++
}
