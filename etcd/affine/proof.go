package affine

import (
	"context"
	"time"

	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

// A proof is that the region was the home of a namespace at a time of this process's clock. It
// is the lease of package move, one for each process instead of one for the home: it is
// renewed by asking the quorum, and a failover waits until all that were given before it began
// have run out.
type proof struct {
	asOf  time.Time // before the question that was answered was sent
	epoch uint64
	terms move.Terms
}

// end is when what was done under the proof no longer counts.
func (p proof) end() time.Time { return p.asOf.Add(p.terms.TTL + p.terms.Grace) }

// prove proves that the region is the home, or says why it is not. It costs no request as long
// as the last proof holds, and waits for a new one otherwise.
func (n *Namespace) prove(ctx context.Context) (proof, error) {
	store := n.region.store
	view := store.View()
	agreed, err := termsIn(view)
	if err == nil {
		view, err = store.Local(agreed.TTL)
	}
	if err != nil {
		if view, err = n.renew(ctx); err != nil {
			return proof{}, n.unproven(err)
		}
	}
	return n.judge(view)
}

// unproven is why there is no proof. That another region is the home needs none.
func (n *Namespace) unproven(err error) error {
	if _, known := n.judge(n.region.store.View()); known != nil && n.region.store.View().Version() != 0 {
		return known
	}
	return &UnprovenError{Namespace: n.name, Region: n.region.name, Err: err}
}

// renew waits for a view with a new proof, for as long as proofs last.
func (n *Namespace) renew(ctx context.Context) (*strong.View, error) {
	limit := DefaultTerms().TTL
	if agreed, err := termsIn(n.region.store.View()); err == nil {
		limit = agreed.TTL
	}
	ctx, cancel := context.WithTimeout(ctx, limit/2)
	defer cancel()
	if err := n.region.store.Barrier(ctx); err != nil {
		return nil, err
	}
	return n.region.store.View(), nil
}

func termsIn(view *strong.View) (move.Terms, error) {
	entry, _ := view.Get(termsKey)
	return decodeTerms(entry)
}

// judge tells what a view says about the namespace.
func (n *Namespace) judge(view *strong.View) (proof, error) {
	agreed, err := termsIn(view)
	if err != nil {
		return proof{}, err
	}
	record, err := recordIn(view, n.name)
	if err != nil {
		return proof{}, err
	}
	here := n.region.name
	switch {
	case record.Home != here:
		return proof{}, &NotHomeError{Namespace: n.name, Region: here, Home: record.Home, Epoch: record.Epoch, Moving: record.To == here}
	case !record.Serves(here, record.Epoch):
		return proof{}, &MovingError{Namespace: n.name, Home: record.Home, To: record.To, State: record.State}
	}
	return proof{asOf: view.AsOf(), epoch: record.Epoch, terms: agreed}, nil
}

// covers tells whether what the region's store did under a proof and answered just now counts:
// the proof still holds, or there is a newer one of the same epoch. If not it tells by how much
// it is late.
func (n *Namespace) covers(p proof) (late time.Duration, ok bool) {
	now := time.Now()
	late = now.Sub(p.end())
	if late < 0 {
		return 0, true
	}
	newer, err := n.judge(n.region.store.View())
	if err == nil && newer.epoch == p.epoch && now.Before(newer.end()) {
		return 0, true
	}
	return late + 1, false
}
