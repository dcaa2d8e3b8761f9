"""torch.mm alone. Each product is given as name,m,k,n,layout: NN = A B, NT = A Bᵀ, TN = Aᵀ B. The rows of matmul."""
import common

parser = common.arguments(__doc__)
parser.add_argument("products", nargs="+")
args = parser.parse_args()
torch = common.setup()

figures = {}
for product in args.products:
    name, *shape, layout = product.split(",")
    m, k, n = map(int, shape)
    x = torch.randn(k, m).t() if layout == "TN" else torch.randn(m, k)
    y = torch.randn(n, k).t() if layout == "NT" else torch.randn(k, n)
    out = torch.empty(m, n)
    figures[name] = common.sample(lambda: torch.mm(x, y, out=out), args.seconds / len(args.products))
common.emit(figures)
