// The command thumbnail is a Roster plugin that scales images down, as a JSON
// function and as a typed gRPC service:
//
//   - image.thumbnail takes {"image": base64 of a PNG or JPEG, "width": 320,
//     "height": 0, "format": "jpeg"} and returns {"image", "width", "height",
//     "format", "bytes"};
//   - roster.examples.image.v1.ThumbnailService does the same with messages of
//     its own.
package main

import (
	"context"

	"github.com/roster-go/roster/examples/thumbnail/imagev1"
	"github.com/roster-go/roster/plugin/sdk"
)

type input struct {
	Image  []byte `json:"image"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Format string `json:"format"`
}

type output struct {
	Image  []byte `json:"image"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Format string `json:"format"`
	Bytes  int    `json:"bytes"`
}

func main() {
	sdk.Serve(sdk.Plugin{Name: "thumbnail", Version: "1.0.0"},
		sdk.Func("image.thumbnail", func(ctx context.Context, in input) (output, error) {
			t, err := makeThumbnail(ctx, in.Image, in.Width, in.Height, in.Format)
			if err != nil {
				return output{}, err
			}
			return output{t.file, t.width, t.height, t.format, len(t.file)}, nil
		}),
		sdk.Service(&imagev1.ThumbnailService_ServiceDesc, service{}))
}

// service is the typed form of image.thumbnail.
type service struct {
	imagev1.UnimplementedThumbnailServiceServer
}

var _ imagev1.ThumbnailServiceServer = service{}

// CreateThumbnail implements imagev1.ThumbnailServiceServer.
func (service) CreateThumbnail(ctx context.Context, in *imagev1.CreateThumbnailRequest) (*imagev1.CreateThumbnailResponse, error) {
	t, err := makeThumbnail(ctx, in.GetImage(), int(in.GetWidth()), int(in.GetHeight()), in.GetFormat())
	if err != nil {
		return nil, err
	}
	return &imagev1.CreateThumbnailResponse{
		Image: t.file, Width: int32(t.width), Height: int32(t.height), Format: t.format,
	}, nil
}
