"""Adam's step on one array of parameters, for a given gradient. The row adam-10m."""
import common

parser = common.arguments(__doc__)
parser.add_argument("--parameters", type=int, default=10_000_000)
args = parser.parse_args()
torch = common.setup()

weights = torch.nn.Parameter(torch.randn(args.parameters))
weights.grad = torch.randn(args.parameters)
optimizer = torch.optim.Adam([weights], lr=1e-3)

common.emit(common.sample(optimizer.step, args.seconds))
