package access

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Many of the same are one line: a thousand calls a second, or a scraper with an old token, must not
// push a kill out of the log. The first is written at once; the others are counted, and written with
// their count when foldFor is over.
const (
	foldFor  = time.Minute
	maxFolds = 1024
	// refusalLines and servedLines are how many lines a minute one caller fills with what was refused, and with
	// what was served; those who are not known count as one. Those beyond are counted together, so that nobody
	// fills the disk with them. Kills have lines of their own, which nothing else uses up.
	refusalLines = 60
	servedLines  = 300
	maxBudgets   = 1024
)

// A budgetKey is who shares a number of lines.
type budgetKey struct {
	who           string
	refused, kill bool
}

// A foldKey is what entries of one line have in common.
type foldKey struct{ who, says, action, target, from, outcome, problem string }

type fold struct {
	entry Entry // the newest
	count int   // not written yet
	since time.Time
}

// A lineBudget counts lines of a minute.
type lineBudget struct {
	since time.Time
	lines int
}

func (b *lineBudget) take(now time.Time, limit int) bool {
	if now.Sub(b.since) >= time.Minute {
		b.since, b.lines = now, 0
	}
	b.lines++
	return b.lines <= limit
}

// mayHaveLine counts a line of an entry. The caller holds l.mu.
func (l *Log) mayHaveLine(e Entry, now time.Time) bool {
	key, limit := budgetKey{e.Who, e.Outcome == Refused, e.Action == "kill"}, servedLines
	if key.refused {
		limit = refusalLines
	}
	b := l.budgets[key]
	if b == nil {
		if len(l.budgets) >= maxBudgets {
			maps.DeleteFunc(l.budgets, func(_ budgetKey, b *lineBudget) bool { return now.Sub(b.since) >= time.Minute })
		}
		if len(l.budgets) >= maxBudgets {
			return false
		}
		b = new(lineBudget)
		l.budgets[key] = b
	}
	return b.take(now, limit)
}

// Fold appends an entry, or counts it if there was the same within the last minute.
func (l *Log) Fold(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if e.Time.IsZero() {
		e.Time = now
	}
	e = e.bounded()
	key := foldKey{e.Who, e.Says, e.Action, e.Target, addressKey(e.From), e.Outcome, e.Error}
	if f := l.folds[key]; f != nil {
		f.count++
		f.entry = e
		return nil
	}
	if len(l.folds) >= maxFolds {
		l.flush(now, true)
	}
	if !l.mayHaveLine(e, now) {
		key = foldKey{who: e.Who, outcome: e.Outcome}
		e = Entry{Time: e.Time, Who: e.Who, Action: "many", Target: "more than has lines of its own", Outcome: e.Outcome}
		if f := l.folds[key]; f != nil {
			f.count++
			f.entry = e
			return nil
		}
		l.folds[key] = &fold{entry: e, count: 1, since: now}
		return nil
	}
	l.folds[key] = &fold{entry: e, since: now}
	return l.write(e, false)
}

// flush writes the counts of folds that are over, or of all.
func (l *Log) flush(now time.Time, all bool) {
	keys := slices.SortedFunc(maps.Keys(l.folds), func(a, b foldKey) int {
		return cmp.Compare(l.folds[a].entry.Time.UnixNano(), l.folds[b].entry.Time.UnixNano())
	})
	for _, key := range keys {
		f := l.folds[key]
		if !all && now.Sub(f.since) < foldFor {
			continue
		}
		delete(l.folds, key)
		if f.count > 0 {
			f.entry.Count = f.count
			_ = l.write(f.entry, false) // it is logged, and nobody waits for it
		}
	}
}

// flushFolds does so from time to time until the log is closed, and then once more.
func (l *Log) flushFolds(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for open := true; open; {
		select {
		case <-tick.C:
		case <-l.done:
			open = false
		}
		l.mu.Lock()
		l.flush(l.now(), !open)
		l.mu.Unlock()
	}
}
