package kill

import (
	"context"
	"crypto/tls"
	"fmt"
)

// A Client sends requests of an operator to a hub.
type Client struct{ line *line }

// NewClient returns a client of the hub. config has the operator's certificate, with the URI
// roster://operator/NAME; it may be nil if the hub is on a loopback address without TLS.
func NewClient(hub Peer, config *tls.Config) (*Client, error) {
	if err := checkTLS(config); err != nil {
		return nil, err
	}
	if err := hub.check(config); err != nil {
		return nil, err
	}
	return &Client{newLine(hub, config)}, nil
}

// Close gives idle connections back.
func (c *Client) Close() { c.line.close() }

// Kill is [Hub.Kill] from afar.
func (c *Client) Kill(ctx context.Context, request Request, progress func(Progress)) (Report, error) {
	if err := request.Target.Validate(); err != nil {
		return Report{}, err
	}
	s, err := c.line.open(ctx, pathKill, message{Request: &request})
	if err != nil {
		return Report{}, err
	}
	defer s.close()
	var report Report
	regions := make(map[string]*RegionReport)
	for {
		m, err := readMessage(s.in)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return report, fmt.Errorf("kill: the report ended, and the order may be out: ask for the status, or send it again: %w", err)
		}
		switch {
		case m.Progress != nil:
			if progress != nil {
				progress(*m.Progress)
			}
		case m.Region != nil:
			if r := regions[m.Region.Region]; r != nil {
				r.Runtimes = append(r.Runtimes, m.Region.Runtimes...)
			} else {
				regions[m.Region.Region] = m.Region
			}
		case m.Report != nil:
			report = *m.Report
			for _, r := range regions {
				report.Regions = append(report.Regions, *r)
			}
			err := m.failure()
			if !report.DryRun && report.Order.Epoch > 0 && (m.Error == nil || !m.Error.final()) {
				err = report.conclude(err)
			}
			return report, err
		case m.Error != nil:
			return report, m.Error.err()
		}
	}
}

func (m message) failure() error {
	if m.Error == nil {
		return nil
	}
	return m.Error.err()
}

// Status asks for the status of the hub.
func (c *Client) Status(ctx context.Context) (Status, error) {
	s, err := c.line.open(ctx, pathStatus, message{})
	if err != nil {
		return Status{}, err
	}
	defer s.close()
	s.end()
	var (
		runtimes []RuntimeReport
		orders   []Order
	)
	for {
		m, err := s.receive()
		if err != nil {
			return Status{}, err
		}
		runtimes = append(runtimes, m.Runtimes...)
		some, _ := m.orders()
		orders = append(orders, some...)
		if m.Status != nil {
			m.Status.Runtimes, m.Status.Orders = runtimes, orders
			return *m.Status, nil
		}
	}
}

// Forget is [Hub.Forget] from afar; an error says that the runtime is not known or connected.
func (c *Client) Forget(ctx context.Context, id string) error {
	s, err := c.line.open(ctx, pathForget, message{Forget: id})
	if err != nil {
		return err
	}
	defer s.close()
	s.end()
	_, err = s.receive()
	return err
}
