// A file of its own, since the page's policy allows no script within the page.

// Swagger UI shows a contact only if it has a URL or an e-mail address.
const showOwner = ({ React }) => ({
  wrapComponents: {
    OAS31Contact: (Contact, system) => (props) => [
      React.createElement(
        "p",
        { key: "owner" },
        `Owner: ${system.specSelectors.info().getIn(["contact", "name"])}`,
      ),
      React.createElement(Contact, { key: "contact", ...props }),
    ],
  },
});

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null, // ask nobody on the Internet
  plugins: [showOwner],
  onComplete: () => {
    document.title = ui.specSelectors.info().get("title");
  },
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const followColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followColours);
followColours();
